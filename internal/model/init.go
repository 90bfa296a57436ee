package model

import (
	"math"
	"strings"

	"dmtrain/internal/rng"
)

// initStd is the standard deviation of GPT-2's initial weights.
const initStd = 0.02

// Init draws GPT-2's initial parameters: normal with deviation 0.02, projections into the residual stream divided by √(2·layers), biases
// 0, norm weights 1, the fill vector 0.
func (m *Decoder) Init(seed uint64) {
	residual := initStd / math.Sqrt(2*float64(m.Layers))
	for _, p := range m.Params.All() {
		w := make([]float32, p.Shape.Elems())
		switch {
		case strings.HasSuffix(p.Name, "c_proj.weight"):
			normal(w, seed, p.Index, residual)
		case p.Decay:
			normal(w, seed, p.Index, initStd)
		case strings.Contains(p.Name, "ln_") && strings.HasSuffix(p.Name, ".weight"):
			for i := range w {
				w[i] = 1
			}
		}
		m.Params.Set(p, w)
	}
}

func normal(w []float32, seed uint64, index int, std float64) {
	for i := range w {
		w[i] = float32(std * rng.Normal(seed, rng.Init, 0, uint32(index), uint32(i)))
	}
}
