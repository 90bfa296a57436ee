package mask

import "dmtrain/internal/batch"

// Outputs is what a forward pass says of each token, (B, T) each, as the cross-entropy kernel gives it. A slice may be
// nil where nothing configured needs it; NLL is always needed.
type Outputs struct {
	NLL     []float32 // −ln p(target); 0 without target
	Conf    []float32 // max p
	Entropy []float32 // −Σ p ln p, nats
	Margin  []float32 // largest p minus second largest
	Argmax  []int32   // most probable class
}

// Stats gathers what one step's forward passes showed. Sums run over tokens in ascending order of rows and
// positions, one after the other, so they do not depend on how the step was cut into micro-batches.
type Stats struct {
	step    int
	rows    int // rows so far; the next must be this one
	seqLen  int
	anchors []tally // by bucket: supervised tokens of anchor rows
	slots   tally   // slots, which predict themselves
	shape   shape
	counter counter
}

// NewStats makes room for a step's statistics.
func (c *Controller) NewStats() *Stats {
	return &Stats{seqLen: c.run.SeqLen, anchors: make([]tally, c.cfg.Buckets)}
}

// Begin empties s for a step.
func (s *Stats) Begin(step int) {
	s.step, s.rows, s.slots, s.shape = step, 0, tally{}, shape{}
	clear(s.anchors)
}

// Add takes in one micro-batch. Micro-batches come in the order of their rows.
func (s *Stats) Add(p *Plan, rows *batch.Batch, out Outputs) {
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
			switch {
			case p.Targets[n] < 0:
			case p.Anchor[b]:
				s.anchors[bucketOf(t-int(rows.Start[n]), len(s.anchors), s.seqLen)].add(p, out, n)
			case p.Slot(b, t):
				s.slots.add(p, out, n)
			}
		}
	}
	s.shape.add(p, rows)
}

// shape is what masks look like, in sums over a step.
type shape struct {
	tokens, hidden   int // tokens that are not padding
	slots, lookahead int // lookahead: sum of the slots' windows

	pairs, visible    int // query–key pairs; measured on request
	ahead, aheadPairs int // pairs whose key comes after the query
	tiles, tilesTotal int
}

func (s *shape) add(p *Plan, rows *batch.Batch) {
	for n, start := range rows.Start {
		if start < 0 {
			continue
		}
		s.tokens++
		s.hidden += int(p.Hidden[n])
		if p.Hidden[n] != 0 && p.Mask.Pos[n] == Inf {
			s.slots++
			s.lookahead += int(p.Window[n])
		}
	}
}

// Measure adds what a plan lets be seen, in pairs and in attention tiles of tileQ queries by tileS keys. It costs more
// than the rest and serves records only: steps that are not logged can do without.
func (s *Stats) Measure(p *Plan, tileQ, tileS int) {
	for b := range p.B {
		visible, ahead := s.counter.count(&p.Mask, b)
		s.shape.visible += visible
		s.shape.ahead += ahead
		s.counter.tile.Set(&p.Mask, b, tileQ, tileS)
		computed, total := s.counter.tile.Computed()
		s.shape.tiles += computed
		s.shape.tilesTotal += total
	}
	s.shape.pairs += p.B * p.T * p.T
	s.shape.aheadPairs += p.B * p.T * (p.T - 1) / 2
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
