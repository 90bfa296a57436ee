package mask

// FirstPass is what two_pass learns before it opens the mask: the outputs of a pass without gradient over the
// same rows under the static mask.
type FirstPass struct {
	Plan *Plan // from PlanStatic
	Out  Outputs
}

// PlanTwoPass fills dst for a training step of control two_pass: every slot's window follows the confidence with which the
// first pass predicted the hidden token.
//
// It cannot leak, for three reasons. The confidence in the token at t is read at t−1, whose output under the static mask
// has not seen it (where the structure shows it, the window is 0). It is read from Conf, Entropy or Margin, which
// know no target; NLL and Argmax are never looked at. And the window bounds what a slot sees, while no one sees the
// slot: it may tell of other hidden tokens before t, but not of its own.
func (p *Planner) PlanTwoPass(dst *Plan, rows *Rows, step int, s State, first *FirstPass) {
	if p.cfg.Control != ControlTwoPass {
		panic("mask: PlanTwoPass needs control two_pass")
	}
	if s.Next > step {
		panic("mask: a plan from a state that has already observed its step")
	}
	if !first.Plan.static() || first.Plan.First != rows.First || first.Plan.B != rows.B || first.Plan.T != rows.T {
		panic("mask: the first pass must run the same rows under the static mask")
	}
	p.fill(dst, rows, step, opening{form: p.cfg.Form, buckets: s.Buckets, anchors: p.cfg.Anchors, first: first})
}

// static says whether p hides nothing.
func (p *Plan) static() bool {
	for _, anchor := range p.Anchor {
		if !anchor {
			return false
		}
	}
	return true
}

// confidentWindow is the look-ahead of the slot at t (n in the batch) that the first pass's confidence in it allows.
func (p *Planner) confidentWindow(f *FirstPass, step int, rows *Rows, n, t int) int32 {
	i, start, end := int32(t), rows.Start[n], rows.End[n]
	if step < p.cfg.Warmup || !p.st.answerable(i-1, i, start, end) || p.st.kind == StructureLookahead {
		return 0
	}
	var conf, entropy, margin float64
	switch p.cfg.Reliability {
	case ReliabilityConfidence:
		conf = float64(f.Out.Conf[n-1])
	case ReliabilityEntropy:
		entropy = float64(f.Out.Entropy[n-1])
	case ReliabilityMargin:
		margin = float64(f.Out.Margin[n-1])
	}
	r := gauge{measure: p.cfg.Reliability, vocab: p.run.Vocab}.blind(conf, entropy, margin)
	u := clip((r-p.cfg.Low)/(p.cfg.High-p.cfg.Low), 0, 1)
	if !finite(u) {
		return 0
	}
	return int32(p.cfg.maxWindow(u))
}
