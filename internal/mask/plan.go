package mask

// Plan is everything a step's inputs say about one (micro-)batch besides its tokens. All slices of length B·T are
// row-major; a Plan may be filled again and again and allocates only when it grows.
type Plan struct {
	First, B, T int
	Step        int
	Mask        Mask
	Rate        []float32 // (B, T): Bernoulli rate of hiding each token, as the bernoulli kernel gets it
	Hidden      []uint8   // (B, T): the draw, the same bits as the kernel's
	Targets     []int32   // (B, T): −1 bears no loss
	Answer      []int32   // (B, T): index in the row of the target's token; −1 without loss and where it stands beyond the row
	Window      []int32   // (B, T): a slot's look-ahead; 0 elsewhere
	Anchor      []bool    // (B): rows under the static mask
	Supervised  int       // targets that are not −1
}

// reset gives p the shape of rows.
func (p *Plan) reset(rows *Rows, step int, tagged bool) {
	n := rows.B * rows.T
	p.First, p.B, p.T, p.Step, p.Supervised = rows.First, rows.B, rows.T, step, 0
	p.Mask.Rows, p.Mask.T = rows.B, rows.T
	p.Mask.Pos, p.Mask.Lo, p.Mask.Hi = grow(p.Mask.Pos, n), grow(p.Mask.Lo, n), grow(p.Mask.Hi, n)
	if tagged {
		p.Mask.Tag, p.Mask.A, p.Mask.B = grow(p.Mask.Tag, n), grow(p.Mask.A, n), grow(p.Mask.B, n)
	} else {
		p.Mask.Tag, p.Mask.A, p.Mask.B = nil, nil, nil
	}
	p.Rate, p.Hidden = grow(p.Rate, n), grow(p.Hidden, n)
	p.Targets, p.Answer, p.Window = grow(p.Targets, n), grow(p.Answer, n), grow(p.Window, n)
	p.Anchor = grow(p.Anchor, rows.B)
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
