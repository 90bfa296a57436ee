package mask

import "dmtrain/internal/batch"

// Plan is everything that a (micro-)batch says besides its tokens: what every stream sees, what is hidden and what
// is to be predicted. All slices of length B·T are row-major. A Plan may be filled again and again and allocates
// only when it grows.
type Plan struct {
	First, B, T int
	Step        int
	Mask        Mask
	Rate        []float32 // (B, T): Bernoulli rate of hiding each token, as the bernoulli kernel gets it
	Hidden      []uint8   // (B, T): the draw, the same bits as the kernel's
	Targets     []int32   // (B, T): −1 bears no loss
	// (B, T): index in the row of the target's token; −1 without loss and where it stands beyond the row
	Answer     []int32
	Window     []int32 // (B, T): a slot's look-ahead; 0 elsewhere
	Anchor     []bool  // (B): rows under the static mask
	Supervised int     // targets that are not −1
	Sources    []SourcePlan

	scratch []int32 // of Certify
}

// SourcePlan is what a plan says of one source, whose rows have S tokens.
type SourcePlan struct {
	Self   Mask      // (B, S, S): what the encoder lets each token of the source see
	Cross  Mask      // (B, T, S): what each predicted position sees of the source
	Rate   []float32 // (B, S): Bernoulli rate of hiding each token, as the bernoulli kernel gets it
	Hidden []uint8   // (B, S): the draw, the same bits as the kernel's
}

// reset gives p the shape of rows.
func (p *Plan) reset(rows *batch.Batch, step int, tagged bool) {
	n := rows.B * rows.T
	p.First, p.B, p.T, p.Step, p.Supervised = rows.First, rows.B, rows.T, step, 0
	p.Mask.reset(rows.B, rows.T, rows.T, tagged)
	p.Rate, p.Hidden = grow(p.Rate, n), grow(p.Hidden, n)
	p.Targets, p.Answer, p.Window = grow(p.Targets, n), grow(p.Answer, n), grow(p.Window, n)
	p.Anchor = grow(p.Anchor, rows.B)
	p.Sources = grow(p.Sources, len(rows.Sources))
	for i := range p.Sources {
		p.Sources[i].reset(rows.B, rows.T, rows.Sources[i].T)
	}
}

func (p *SourcePlan) reset(b, t, s int) {
	p.Self.reset(b, s, s, false)
	p.Cross.reset(b, t, s, false)
	p.Rate, p.Hidden = grow(p.Rate, b*s), grow(p.Hidden, b*s)
}

// Slot says whether position t of row b is a slot: hidden, and seen by no one.
func (p *Plan) Slot(b, t int) bool {
	n := b*p.T + t
	return p.Hidden[n] != 0 && p.Mask.Pos[n] == Inf
}

func grow[E any](s []E, n int) []E {
	if cap(s) < n {
		return make([]E, n)
	}
	return s[:n]
}
