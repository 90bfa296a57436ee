package cpu

import "dmtrain/internal/rng"

// The plain forms of the primitives that attention is made of; see primitives.

func softmaxStep(scores []float32, keys, queries int, top, sum, shrink []float32) {
	var fresh [tileQ]float32
	top, sum, shrink = top[:queries], sum[:queries], shrink[:queries]
	copy(shrink, top)
	for j := range keys {
		for i, s := range scores[j*tileQ:][:queries] {
			top[i] = max(top[i], s)
		}
	}
	for i := range shrink {
		shrink[i] = exp(shrink[i] - reference(top[i]))
	}
	for j := range keys {
		row := scores[j*tileQ:][:queries]
		for i, s := range row {
			p := exp(s - reference(top[i]))
			row[i] = p
			fresh[i] += p
		}
	}
	for i := range sum {
		sum[i] = sum[i]*shrink[i] + fresh[i]
	}
}

// reference is what scores are compared with: their maximum, but 0 where nothing is visible, because −∞ − 0 is no NaN.
func reference(top float32) float32 {
	if top == -inf() {
		return 0
	}
	return top
}

func hideScores(scores []float32, queries int, low, high, from, to []int32) {
	from, to = from[:queries], to[:queries]
	for j := range low {
		row := scores[j*tileQ:][:queries]
		for i := range row {
			if from[i] > high[j] || low[j] > to[i] {
				row[i] = -inf()
			}
		}
	}
}

func scoreGradients(p, ds []float32, keys, queries int, lse, delta []float32, scale float32) {
	lse, delta = lse[:queries], delta[:queries]
	for j := range keys {
		p, ds := p[j*tileQ:][:queries], ds[j*tileQ:][:queries]
		for i, s := range p {
			if s == -inf() {
				p[i], ds[i] = 0, 0
				continue
			}
			p[i] = exp(s - lse[i])
			ds[i] = p[i] * (ds[i] - delta[i]) * scale
		}
	}
}

func edgeFactors(
	f []float32, quads, queries int, rate, keep float32, quad, seedLow, seedHigh, purpose, step, line uint32,
) {
	seed := uint64(seedHigh)<<32 | uint64(seedLow)
	for q := range quads {
		for i := range queries {
			words := rng.Block(seed, rng.Purpose(purpose), step, line+uint32(i), quad+uint32(q))
			for w, word := range words {
				f[(4*q+w)*tileQ+i] = factor(word, rate, keep)
			}
		}
	}
}
