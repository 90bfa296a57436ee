package model

import (
	"math"
	"strings"
)

// Init draws the initial parameters. Embeddings are normal with deviation 1/√C, so that what √C scales them to has size 1 like the
// sinusoids, and so have the tied output's logits. Matrices are normal with Glorot and Bengio's deviation √(2/(in+out)) (2010),
// projections into the residual stream divided by the root of how many a stack adds up. Biases are 0, norm weights 1, the
// fill vector 0.
func (m *EncoderDecoder) Init(seed uint64) {
	for _, p := range m.Params.All() {
		w := make([]float32, p.Shape.Elems())
		switch {
		case p.Name == sharedParam:
			normal(w, seed, p.Index, 1/math.Sqrt(float64(m.Dim)))
		case p.Decay:
			glorot := math.Sqrt(2 / float64(p.Shape[0]+p.Shape[1]))
			normal(w, seed, p.Index, glorot/math.Sqrt(m.summands(p.Name)))
		case strings.Contains(p.Name, "ln_") && strings.HasSuffix(p.Name, ".weight"):
			for i := range w {
				w[i] = 1
			}
		}
		m.Params.Set(p, w)
	}
}

// summands is how many outputs like that of the named matrix are added up in its stack's residual stream; 1 for a matrix whose
// output isn't added.
func (m *EncoderDecoder) summands(name string) float64 {
	switch {
	case !strings.HasSuffix(name, "c_proj.weight"):
		return 1
	case strings.HasPrefix(name, "encoder."):
		return float64(2 * m.Layers)
	}
	return float64(3 * m.Layers)
}
