package model

import (
	"dmtrain/internal/batch"
	"dmtrain/internal/mask"
)

// FirstLook plans for control two_pass: it looks, without gradient, at the text that is not hidden, before the mask
// opens.
type FirstLook struct {
	Pass *Pass
	plan mask.Plan
}

// NewFirstLook records the look of passes with options o.
func (m *Model) NewFirstLook(o PassOptions) (*FirstLook, error) {
	o.Train, o.Logits, o.Dropout, o.EdgeDrop, o.Smoothing = false, false, 0, 0, 0
	pass, err := m.NewPass(o)
	return &FirstLook{Pass: pass}, err
}

// Plan fills dst for a training step. A nil look is that of all other controls, which need none.
func (f *FirstLook) Plan(dst *mask.Plan, p *mask.Planner, b *batch.Batch, step int, s mask.State) error {
	if f == nil {
		p.Plan(dst, b, step, s)
		return nil
	}
	p.PlanFirst(&f.plan, b, step, s)
	f.Pass.Load(b, &f.plan)
	f.Pass.At(p.Seed(), step, b.First)
	f.Pass.Forward()
	out, err := f.Pass.Outputs()
	if err != nil {
		return err
	}
	p.PlanTwoPass(dst, b, step, s, &mask.FirstPass{Plan: &f.plan, Out: out})
	return nil
}

// Free gives the pass's memory back.
func (f *FirstLook) Free() {
	if f != nil {
		f.Pass.Free()
	}
}
