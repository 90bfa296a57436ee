package train

import (
	"dmtrain/internal/graph"
	"dmtrain/internal/kernels"
	"dmtrain/internal/mask"
	"dmtrain/internal/model"
)

// outputs are a pass's per-token statistics on the host.
type outputs struct{ mask.Outputs }

func newOutputs(n int) outputs {
	floats := func() []float32 { return make([]float32, n) }
	return outputs{mask.Outputs{NLL: floats(), Conf: floats(), Entropy: floats(), Margin: floats(), Argmax: make([]int32, n)}}
}

// download waits for the pass and copies what it said of each token.
func (o *outputs) download(be kernels.Backend, p *model.Pass) error {
	for _, d := range []struct {
		dst []float32
		src *graph.Value
	}{{o.NLL, p.Stats.NLL}, {o.Conf, p.Stats.Conf}, {o.Entropy, p.Stats.Entropy}, {o.Margin, p.Stats.Margin}} {
		if err := be.Download(d.dst, d.src.Buffer()); err != nil {
			return err
		}
	}
	return be.Download(o.Argmax, p.Stats.Argmax.Buffer())
}
