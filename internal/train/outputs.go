package train

import (
	"dmtrain/internal/graph"
	"dmtrain/internal/kernels"
	"dmtrain/internal/mask"
)

// outputs are a pass's per-token statistics on the host.
type outputs struct {
	mask.Outputs
	boxed [5]any // the slices of Outputs, made once: handing a slice to a backend as any allocates
}

func newOutputs(n int) outputs {
	floats := func() []float32 { return make([]float32, n) }
	o := outputs{Outputs: mask.Outputs{NLL: floats(), Conf: floats(), Entropy: floats(), Margin: floats(), Argmax: make([]int32, n)}}
	o.boxed = [5]any{o.NLL, o.Conf, o.Entropy, o.Margin, o.Argmax}
	return o
}

// download waits for the pass and copies what it said of each token.
func (o *outputs) download(be kernels.Backend, s *graph.TokenStats) error {
	for i, v := range [5]*graph.Value{s.NLL, s.Conf, s.Entropy, s.Margin, s.Argmax} {
		if err := be.Download(o.boxed[i], v.Buffer()); err != nil {
			return err
		}
	}
	return nil
}
