package mask

import (
	"slices"

	"dmtrain/internal/batch"
)

// FirstPass is what two_pass learns before it opens the mask: the outputs of a pass without gradient over the same
// rows, in which the same tokens are hidden and slots see nothing ahead.
type FirstPass struct {
	Plan *Plan // from PlanFirst
	Out  Outputs
}

// PlanFirst fills dst for the first look of control two_pass at a step's rows: the plan that PlanTwoPass makes, its
// windows 0.
func (p *Planner) PlanFirst(dst *Plan, rows *batch.Batch, step int, s State) {
	p.fill(dst, rows, step, p.twoPass(step, s, opening{closed: true}))
}

// PlanTwoPass fills dst for a training step of control two_pass: every slot's window follows its own confidence in
// the first look.
//
// It cannot leak. In the first look the slot saw part of what it sees now, and hidden was what is hidden now: so
// its confidence, and with it the window, is a function of what the slot may see. It is read from Conf, Entropy or
// Margin, which know no target; NLL and Argmax are never looked at. And the window bounds what a slot sees, while
// no one sees the slot. (A first look at tokens that the slot may not see would tell of them by the window, and
// they of its answer: tokens of one text are not independent.)
func (p *Planner) PlanTwoPass(dst *Plan, rows *batch.Batch, step int, s State, first *FirstPass) {
	p.fill(dst, rows, step, p.twoPass(step, s, opening{first: first}))
	f := first.Plan
	if f.First != dst.First || f.B != dst.B || f.T != dst.T || f.Step != step || !slices.Equal(f.Hidden, dst.Hidden) {
		panic("mask: the first look must be at the same rows with the same tokens hidden")
	}
}

// twoPass completes how a plan of control two_pass opens.
func (p *Planner) twoPass(step int, s State, o opening) opening {
	if !p.control.firstLook {
		panic("mask: two looks need control two_pass")
	}
	if s.Next > step {
		panic("mask: a plan from a state that has already observed its step")
	}
	all := p.training(s)
	all.closed, all.first = o.closed, o.first
	return all
}

// confidentWindow is the look-ahead that the confidence of slot n in the first look allows it.
func (p *Planner) confidentWindow(f *FirstPass, step, n int) int32 {
	if step < p.cfg.Warmup {
		return 0
	}
	var conf, entropy, margin float64
	switch p.cfg.Reliability {
	case ReliabilityConfidence:
		conf = float64(f.Out.Conf[n])
	case ReliabilityEntropy:
		entropy = float64(f.Out.Entropy[n])
	case ReliabilityMargin:
		margin = float64(f.Out.Margin[n])
	}
	r := gauge{measure: p.cfg.Reliability, vocab: p.run.Vocab}.blind(conf, entropy, margin)
	u := clip((r-p.cfg.Low)/(p.cfg.High-p.cfg.Low), 0, 1)
	if !finite(u) {
		return 0
	}
	return int32(p.cfg.maxWindow(u))
}
