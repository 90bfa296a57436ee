package model

import (
	"math"
	"strings"

	"dmtrain/internal/graph"
	"dmtrain/internal/rng"
)

// initStd is the standard deviation of GPT-2's initial weights.
const initStd = 0.02

// Init draws the initial parameters: embeddings and matrices normal, biases 0, norm weights 1, the fill vector 0.
func (m *Model) Init(seed uint64) {
	std := m.decoderStd
	if m.Encoder {
		std = m.encoderDecoderStd
	}
	for _, p := range m.Params.All() {
		w := make([]float32, p.Shape.Elems())
		switch {
		case p.Decay:
			normal(w, seed, p.Index, std(p))
		case strings.Contains(p.Name, "ln_") && strings.HasSuffix(p.Name, ".weight"):
			for i := range w {
				w[i] = 1
			}
		}
		m.Params.Set(p, w)
	}
}

// decoderStd is GPT-2's deviation, 0.02, in projections into the residual stream divided by the root of how many it
// adds up.
func (m *Model) decoderStd(p *graph.Param) float64 {
	if strings.HasSuffix(p.Name, "c_proj.weight") {
		return initStd / math.Sqrt(2*float64(m.Layers))
	}
	return initStd
}

// encoderDecoderStd is 1/√C for the embedding, so that what √C scales it to has size 1 like the sinusoids, and so have
// the tied output's logits. Matrices have Glorot and Bengio's √(2/(in+out)) (2010), projections into the residual
// stream divided by the root of how many a stack adds up.
func (m *Model) encoderDecoderStd(p *graph.Param) float64 {
	if p.Name == m.embeddingParam() {
		return 1 / math.Sqrt(float64(m.Dim))
	}
	summands := 1.0
	if strings.HasSuffix(p.Name, "c_proj.weight") {
		if summands = float64(3 * m.Layers); strings.HasPrefix(p.Name, m.encoder().name+".") {
			summands = float64(2 * m.Layers)
		}
	}
	return math.Sqrt(2/float64(p.Shape[0]+p.Shape[1])) / math.Sqrt(summands)
}

func normal(w []float32, seed uint64, index int, std float64) {
	for i := range w {
		w[i] = float32(std * rng.Normal(seed, rng.Init, 0, uint32(index), uint32(i)))
	}
}
