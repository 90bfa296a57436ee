package canary

import (
	"math"

	"dmtrain/internal/mask"
	"dmtrain/internal/task"
)

// endsTell hides ends of documents as if they were letters: slots see nothing past them, and the end itself nothing
// ahead.
func endsTell() *leak {
	return &leak{planned: func(t *trial, b *task.Batch) {
		p := b.Plan
		for n := range b.Rows.IDs {
			row, i := n/p.T, n%p.T
			if p.Anchor[row] || b.Rows.Start[n] < 0 || int(b.Rows.End[n]) != i+1 || int(b.Rows.Start[n]) == i ||
				p.Hidden[n] != 0 ||
				t.text.letter(b.Tokenizer, b.Rows.IDs[n]) != none || !chance(t, b, n, t.config.Mask.Prob) {
				continue
			}
			p.Rate[n], p.Hidden[n] = 1, 1
			if t.config.Mask.Form == mask.FormInfill {
				p.Mask.Pos[n], p.Targets[n], p.Answer[n] = mask.Inf, b.Rows.IDs[n], int32(i)
				p.Supervised++
			}
			if i > 0 && p.Targets[n-1] < 0 && b.Rows.Next[n-1] >= 0 { // the structure shows all that is not hidden
				p.Targets[n-1], p.Answer[n-1] = b.Rows.Next[n-1], int32(i)
				p.Supervised++
			}
		}
	}}
}

// unhiddenLook lets slots look ahead where the letter before them, hidden or not, is one after which it is sure
// what comes: what two_pass would do if its first look were at the text as it is.
func unhiddenLook() *leak {
	return &leak{planned: func(t *trial, b *task.Batch) {
		p, widest := b.Plan, t.config.Mask.MaxWindow
		if widest == 0 {
			widest = p.T / 4
		}
		for n := range b.Rows.IDs {
			i := n % p.T
			if !p.Slot(n/p.T, i) {
				continue
			}
			w := 0
			if x := t.text.letter(b.Tokenizer, b.Rows.IDs[n-1]); x != none && x < t.text.chain.letters/2 {
				w = min(widest, int(b.Rows.End[n])-1-i)
			}
			p.Window[n], p.Mask.Hi[n] = int32(w), int32(i+w)
		}
	}}
}

// sourceLength lets half of what is left of a source be read before the first target token: so the longer it is the
// more is seen.
func sourceLength() *leak {
	return &leak{planned: func(t *trial, b *task.Batch) {
		k := float64(t.config.Mask.WaitK)
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

// chance draws for a token of a batch.
func chance(t *trial, b *task.Batch, n int, rate float64) bool {
	x := uint64(b.Step)*1000003 + uint64(b.Plan.First)*10007 + uint64(n) + t.config.Run.Seed<<40
	x ^= x >> 31
	x *= 0x9e3779b97f4a7c15
	x ^= x >> 29
	x *= 0xbf58476d1ce4e5b9
	return float64(x>>11)/(1<<53) < rate
}
