package model

import (
	"errors"

	"dmtrain/internal/graph"
	"dmtrain/internal/kernels"
	"dmtrain/internal/mask"
)

// outputs are a pass's per-token statistics, with the host's side.
type outputs struct {
	nll, conf, entropy, margin *staging[float32]
	argmax                     *staging[int32]
}

func stageOutputs(s *graph.TokenStats) outputs {
	return outputs{
		nll:     stage[float32](s.NLL),
		conf:    stage[float32](s.Conf),
		entropy: stage[float32](s.Entropy),
		margin:  stage[float32](s.Margin),
		argmax:  stage[int32](s.Argmax),
	}
}

// Outputs waits for the pass and returns what it said of each token, (B, T), valid until the next call.
func (p *Pass) Outputs() (mask.Outputs, error) { return p.outputs.download(p.m.be) }

func (o *outputs) download(be kernels.Backend) (m mask.Outputs, err error) {
	var errs [5]error
	m.NLL, errs[0] = o.nll.download(be)
	m.Conf, errs[1] = o.conf.download(be)
	m.Entropy, errs[2] = o.entropy.download(be)
	m.Margin, errs[3] = o.margin.download(be)
	m.Argmax, errs[4] = o.argmax.download(be)
	return m, errors.Join(errs[:]...)
}
