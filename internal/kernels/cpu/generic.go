package cpu

import (
	"math"

	"dmtrain/internal/rng"
)

// The plain forms of primitives; see there.

func transpose(dst []float32, ldd int, src []float32, lds, rows, cols int, scale float32) {
	for r := range rows {
		for c, v := range src[r*lds : r*lds+cols] {
			dst[c*ldd+r] = v * scale
		}
	}
}

func add(y, a, b []float32) {
	a, b = a[:len(y)], b[:len(y)]
	for i := range y {
		y[i] = a[i] + b[i]
	}
}

func keep(y, a, b []float32) {
	a, b = a[:len(y)], b[:len(y)]
	for i := range y {
		if b[i] == 0 {
			y[i] = 0
		} else {
			y[i] = a[i] * b[i]
		}
	}
}

func scale(y, x []float32, factor float32) {
	x = x[:len(y)]
	for i := range y {
		y[i] = factor * x[i]
	}
}

// gelu sets y = x·σ(2u) with u = √(2/π)(x + 0.044715x³), which is ½x(1 + tanh u) without the cancellation in 1 +
// tanh u.
func gelu(y, x []float32) {
	x = x[:len(y)]
	for i, v := range x {
		y[i] = v / (1 + expMinus2u(v))
	}
}

const (
	geluScale = 0.7978845608028654 // √(2/π)
	geluCubic = 0.044715
)

func expMinus2u(x float32) float32 {
	return exp(-2 * geluScale * (x + geluCubic*x*x*x))
}

// geluBackward: gelu'(x) = σ + x·σ·(1−σ)·2u', where 1−σ = σ·exp(−2u). Beyond ±10 gelu' is 1 or 0 and the
// exponential about to overflow.
func geluBackward(dx, dy, x []float32) {
	dy, x = dy[:len(dx)], x[:len(dx)]
	for i, v := range x {
		v = min(max(v, -10), 10)
		e := expMinus2u(v)
		s := 1 / (1 + e)
		du := geluScale * (1 + 3*geluCubic*v*v)
		dx[i] = dy[i] * (s + 2*v*du*s*(s*e))
	}
}

func layerNormRow(y, x, weight, bias []float32, eps float32) (mean, rstd float32) {
	x, weight, bias = x[:len(y)], weight[:len(y)], bias[:len(y)]
	n := float64(len(x))
	var sum float64
	for _, v := range x {
		sum += float64(v)
	}
	centre := sum / n
	var squares float64
	for _, v := range x {
		d := float64(v) - centre
		squares += d * d
	}
	mean, rstd = float32(centre), float32(1/math.Sqrt(squares/n+float64(eps)))
	for j := range y {
		y[j] = (x[j]-mean)*rstd*weight[j] + bias[j]
	}
	return mean, rstd
}

// layerNormBackwardRow: with x̂ = (x − mean)·rstd and q = dy·weight, dx = rstd·(q − mean(q) − x̂·mean(q·x̂)).
func layerNormBackwardRow(dx, dWeight, dBias, dy, x, weight, add []float32, mean, rstd float32) {
	dWeight, dBias = dWeight[:len(dx)], dBias[:len(dx)]
	dy, x, weight = dy[:len(dx)], x[:len(dx)], weight[:len(dx)]
	var sumQ, sumQX float64
	for j, d := range dy {
		xhat := (x[j] - mean) * rstd
		q := d * weight[j]
		sumQ += float64(q)
		sumQX += float64(q * xhat)
		dWeight[j] += d * xhat
		dBias[j] += d
	}
	n := float64(len(dx))
	meanQ, meanQX := float32(sumQ/n), float32(sumQX/n)
	for j, d := range dy {
		xhat := (x[j] - mean) * rstd
		v := rstd * (d*weight[j] - meanQ - xhat*meanQX)
		if add != nil {
			v += add[j]
		}
		dx[j] = v
	}
}

func dot(a, b []float32) float32 {
	b = b[:len(a)]
	var sum float32
	for i, v := range a {
		sum += v * b[i]
	}
	return sum
}

func sumSquares(x []float32) float64 {
	var sum float64
	for _, v := range x {
		sum += float64(v) * float64(v)
	}
	return sum
}

func columnSums(sum, x []float32, stride, rows int) {
	clear(sum)
	for i := range rows {
		add(sum, sum, x[i*stride:i*stride+len(sum)])
	}
}

// topTwo has one lane.
func topTwo(x, top, second []float32) {
	first, next := -inf(), -inf()
	for _, v := range x {
		if v > first {
			first, next = v, first
		} else if v > next {
			next = v
		}
	}
	top[0], second[0] = first, next
}

func expSum(e, x []float32, top float32) (sum, spread float32) {
	e = e[:len(x)]
	var s, d float64
	for j, v := range x {
		e[j] = exp(v - top)
		s += float64(e[j])
		if e[j] != 0 { // 0·∞ would be NaN
			d += float64(e[j] * (top - v))
		}
	}
	return float32(s), float32(d)
}

func adamW(p, grad, m, v []float32, gradScale, beta1, rest1, beta2, rest2, keep, rate, root, eps float32) {
	grad, m, v = grad[:len(p)], m[:len(p)], v[:len(p)]
	for i := range p {
		g := gradScale * grad[i]
		m[i] = beta1*m[i] + rest1*g
		v[i] = beta2*v[i] + rest2*g*g
		p[i] = keep*p[i] - rate*m[i]/(root*sqrt(v[i])+eps)
	}
}

func dropFactors(f []float32, rate, keep float32, seedLow, seedHigh, purpose, step, line uint32) {
	seed := uint64(seedHigh)<<32 | uint64(seedLow)
	for quad := range len(f) / 4 {
		words := rng.Block(seed, rng.Purpose(purpose), step, line, uint32(quad))
		for i, word := range words {
			f[4*quad+i] = factor(word, rate, keep)
		}
	}
}

func factor(word uint32, rate, keep float32) float32 {
	if rng.Unit(word) < rate {
		return 0
	}
	return keep
}
