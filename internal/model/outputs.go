package model

import (
	"dmtrain/internal/graph"
	"dmtrain/internal/mask"
)

// outputs are a pass's per-token statistics on the host. The slices are boxed once: handing one to a backend as any
// allocates.
type outputs struct {
	mask.Outputs
	boxed [5]any
}

// Outputs waits for the pass and returns what it said of each token, (B, T), valid until the next call.
func (p *Pass) Outputs() (mask.Outputs, error) {
	o := &p.outputs
	if o.NLL == nil {
		o.make(p.B * p.T)
	}
	s := &p.Stats
	for i, v := range [5]*graph.Value{s.NLL, s.Conf, s.Entropy, s.Margin, s.Argmax} {
		if err := p.m.be.Download(o.boxed[i], v.Buffer()); err != nil {
			return mask.Outputs{}, err
		}
	}
	return o.Outputs, nil
}

func (o *outputs) make(n int) {
	floats := func() []float32 { return make([]float32, n) }
	o.Outputs = mask.Outputs{
		NLL:     floats(),
		Conf:    floats(),
		Entropy: floats(),
		Margin:  floats(),
		Argmax:  make([]int32, n),
	}
	o.boxed = [5]any{o.NLL, o.Conf, o.Entropy, o.Margin, o.Argmax}
}
