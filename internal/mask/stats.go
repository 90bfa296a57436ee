package mask

// Outputs is what a forward pass says of each token, (B, T) each, as the cross-entropy kernel gives it. A slice may be
// nil where nothing configured needs it; NLL is always needed.
type Outputs struct {
	NLL     []float32 // −ln p(target); 0 without target
	Conf    []float32 // max p
	Entropy []float32 // −Σ p ln p, nats
	Margin  []float32 // largest p minus second largest
	Argmax  []int32   // most probable class
}

// Stats gathers what one step's forward passes showed. Sums run over tokens in ascending order of rows and positions, one
// after the other, so they do not depend on how the step was cut into micro-batches.
type Stats struct {
	step    int
	rows    int // rows so far; the next must be this one
	seqLen  int
	anchors []tally // by bucket: supervised tokens of anchor rows
	slots   tally   // slots, which predict themselves
	causal  tally   // everyone else on rows that are not anchors
}

// NewStats makes room for a step's statistics.
func (c *Controller) NewStats() *Stats {
	return &Stats{seqLen: c.run.SeqLen, anchors: make([]tally, c.cfg.Buckets)}
}

// Begin empties s for a step.
func (s *Stats) Begin(step int) {
	s.step, s.rows, s.slots, s.causal = step, 0, tally{}, tally{}
	clear(s.anchors)
}

// Add takes in one micro-batch. Micro-batches come in the order of their rows.
func (s *Stats) Add(p *Plan, rows *Rows, out Outputs) {
	if p.Step != s.step {
		panic("mask: statistics of another step")
	}
	if p.First != s.rows {
		panic("mask: statistics out of order")
	}
	s.rows += p.B
	for b := range p.B {
		for t := range p.T {
			n := b*p.T + t
			if p.Targets[n] < 0 {
				continue
			}
			s.tally(p, b, n, t-int(rows.Start[n])).add(p, out, n)
		}
	}
}

// tally is the sum that a supervised token belongs to.
func (s *Stats) tally(p *Plan, b, n, at int) *tally {
	switch {
	case p.Anchor[b]:
		return &s.anchors[bucketOf(at, len(s.anchors), s.seqLen)]
	case p.Hidden[n] != 0 && p.Mask.Pos[n] == Inf:
		return &s.slots
	}
	return &s.causal
}

func (t *tally) add(p *Plan, out Outputs, n int) {
	t.tokens++
	t.nll += float64(out.NLL[n])
	if out.Conf != nil {
		t.conf += float64(out.Conf[n])
	}
	if out.Entropy != nil {
		t.entropy += float64(out.Entropy[n])
	}
	if out.Margin != nil {
		t.margin += float64(out.Margin[n])
	}
	if out.Argmax != nil && out.Argmax[n] == p.Targets[n] {
		t.argmax++
	}
}
