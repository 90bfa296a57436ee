package train

import (
	"dmtrain/internal/kernels"
	"dmtrain/internal/mask"
	"dmtrain/internal/model"
)

// firstPass is control two_pass's look at the text under the static mask, without gradient, before the mask opens.
type firstPass struct {
	be   kernels.Backend
	pass *model.Pass
	seen mask.Plan
	out  outputs
}

func newFirstPass(be kernels.Backend, m *model.Decoder, o model.PassOptions) (*firstPass, error) {
	o.Train, o.Hide, o.Dropout, o.EdgeDrop = false, false, 0, 0
	pass, err := m.NewPass(o)
	if err != nil {
		return nil, err
	}
	return &firstPass{be: be, pass: pass, out: newOutputs(o.B * o.T)}, nil
}

// plan fills the micro-batch's plan from what the first pass says of its text.
func (f *firstPass) plan(m *micro, p *mask.Planner, step int, s mask.State) error {
	p.PlanStatic(&f.seen, m.rows, step)
	f.pass.Load(m.rows.IDs, &f.seen)
	f.pass.Forward()
	if err := f.out.download(f.be, f.pass); err != nil {
		return err
	}
	p.PlanTwoPass(&m.plan, m.rows, step, s, &mask.FirstPass{Plan: &f.seen, Out: f.out.Outputs})
	return nil
}
