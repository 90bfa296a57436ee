package train

import (
	"dmtrain/internal/kernels"
	"dmtrain/internal/mask"
)

// firstPass is control two_pass's look at the text under the static mask, without gradient, before the mask opens.
type firstPass struct {
	be   kernels.Backend
	lane *lane
	seen mask.Plan
}

// plan fills the micro-batch's plan from what the first pass says of its text.
func (f *firstPass) plan(m *micro, p *mask.Planner, step int, s mask.State) error {
	p.PlanStatic(&f.seen, m.rows, step)
	m.state = mask.State{}
	if err := f.lane.load(m, &f.seen); err != nil {
		return err
	}
	m.state = s
	f.lane.pass.Forward()
	if err := f.lane.out.download(f.be, f.lane.stats); err != nil {
		return err
	}
	p.PlanTwoPass(&m.plan, m.rows, step, s, &mask.FirstPass{Plan: &f.seen, Out: f.lane.out.Outputs})
	return nil
}
