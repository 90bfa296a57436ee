package train

import (
	"dmtrain/internal/kernels"
	"dmtrain/internal/mask"
)

// firstPass is control two_pass's look, without gradient, at the text that is not hidden, before the mask opens.
type firstPass struct {
	be   kernels.Backend
	lane *lane
	seen mask.Plan
}

// plan fills the micro-batch's plan from what the first pass says of its slots.
func (f *firstPass) plan(m *micro, p *mask.Planner, step int) error {
	p.PlanFirst(&f.seen, m.rows, step, m.state)
	f.lane.load(m.rows, &f.seen)
	f.lane.pass.At(p.Seed(), step, m.rows.First)
	f.lane.pass.Forward()
	if err := f.lane.out.download(f.be, f.lane.stats); err != nil {
		return err
	}
	p.PlanTwoPass(&m.plan, m.rows, step, m.state, &mask.FirstPass{Plan: &f.seen, Out: f.lane.out.Outputs})
	return nil
}
