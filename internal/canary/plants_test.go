package canary

import (
	"math"

	"dmtrain/internal/mask"
	"dmtrain/internal/task"
)

// hiddenEnds hides ends of documents like letters: slots see nothing past them, and the end itself nothing ahead.
func hiddenEnds() *leak {
	return &leak{planned: func(r *run, b *task.Batch) {
		p := b.Plan
		for n := range b.Rows.IDs {
			row, i := n/p.T, n%p.T
			if p.Anchor[row] || b.Rows.Start[n] < 0 || int(b.Rows.End[n]) != i+1 || int(b.Rows.Start[n]) == i ||
				p.Hidden[n] != 0 ||
				r.text.letter(b.Tokenizer, b.Rows.IDs[n]) != none || !chance(r, b, n, r.config.Mask.Prob) {
				continue
			}
			p.Rate[n], p.Hidden[n] = 1, 1
			if r.config.Mask.Form == mask.FormInfill {
				p.Mask.Pos[n], p.Targets[n], p.Answer[n] = mask.Inf, b.Rows.IDs[n], int32(i)
				p.Supervised++
			}
			// the structure shows everything that is not hidden
			if i > 0 && p.Targets[n-1] < 0 && b.Rows.Next[n-1] >= 0 {
				p.Targets[n-1], p.Answer[n-1] = b.Rows.Next[n-1], int32(i)
				p.Supervised++
			}
		}
	}}
}

// unhiddenFirstPass lets slots see ahead if the letter before them, hidden or not, determines the next: as two_pass
// would if its first pass read the text without hiding.
func unhiddenFirstPass() *leak {
	return &leak{planned: func(r *run, b *task.Batch) {
		p, widest := b.Plan, r.config.Mask.MaxWindow
		if widest == 0 {
			widest = p.T / 4
		}
		for n := range b.Rows.IDs {
			i := n % p.T
			if !p.Slot(n/p.T, i) {
				continue
			}
			w := 0
			if x := r.text.letter(b.Tokenizer, b.Rows.IDs[n-1]); x != none && x < r.text.chain.letters/2 {
				w = min(widest, int(b.Rows.End[n])-1-i)
			}
			p.Window[n], p.Mask.Hi[n] = int32(w), int32(i+w)
		}
	}}
}

// sourceLength shows the first target token half of the rest of the source, so that a longer source shows more.
func sourceLength() *leak {
	return &leak{planned: func(r *run, b *task.Batch) {
		k := float64(r.config.Mask.WaitK)
		for row := range b.Plan.B {
			length := float64(b.Rows.Sources[0].Len(row))
			for i := range b.Plan.T {
				n, wait := row*b.Plan.T+i, k+math.Round(0.5*max(0, length-k))
				if b.Plan.Slot(row, i) {
					wait--
				}
				b.Plan.Sources[0].Cross.Hi[n] = int32(min(wait+float64(i), length) - 1)
			}
		}
	}}
}

// chance is true at the given rate, by a hash of the token's place.
func chance(r *run, b *task.Batch, n int, rate float64) bool {
	x := uint64(b.Step)*1000003 + uint64(b.Plan.First)*10007 + uint64(n) + r.config.Run.Seed<<40
	x ^= x >> 31
	x *= 0x9e3779b97f4a7c15
	x ^= x >> 29
	x *= 0xbf58476d1ce4e5b9
	return float64(x>>11)/(1<<53) < rate
}
