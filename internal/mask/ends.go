package mask

import (
	"dmtrain/internal/batch"
	"dmtrain/internal/rng"
)

// RepeatEnds prepares the rows of a training step for slots at the ends of their documents. A document's bounds are
// made of its End, which therefore must never be hidden: a bound made from a hidden token would tell what it hides.
// Yet a model whose slots never hold an End would not learn how sure it may be of text past the end. So where the
// draws of form infill hide the place of an End, another End is put behind it, and so on up to the first place that
// they do not hide; that one is the document's last token. What the draws hide is a function of seed, step and
// place alone, and the bound one of an End that everyone may see: whether a hidden token is the last of the text or
// an End moves nothing else in the row.
//
// What no longer fits is cut off at the row's end, whose token is never hidden either, whatever it is. Rows under
// the static mask stay as they are.
func (p *Planner) RepeatEnds(rows *batch.Batch, step int) {
	if !p.form.slots || p.run.End < 0 {
		return
	}
	for b := range rows.B {
		if p.anchor(rows.First+b, step, p.cfg.Anchors) {
			continue
		}
		for t := 0; t < rows.T; t++ {
			n := b*rows.T + t
			if rows.IDs[n] != p.run.End || rows.Next[n] >= 0 || int(rows.End[n]) != t+1 || int(rows.Start[n]) == t {
				continue
			}
			last := t
			for last+1 < rows.T && rng.Uniform(p.seed, rng.Hide, uint32(step), uint32(rows.First+b),
				uint32(last)) < float32(p.cfg.Prob) {
				last++
			}
			rows.RepeatEnd(b, t, last-t)
			t = last
		}
	}
}

// EndRoom is how many more positions than their tokens rows of single documents need, so that all but one in a
// hundred ends can be repeated as the draws want it.
func (p *Planner) EndRoom() int {
	if !p.form.slots || p.run.End < 0 {
		return 0
	}
	room, rest := 0, 1.0
	for rest > maxCutEnds && room < maxEndRoom {
		room, rest = room+1, rest*p.cfg.Prob
	}
	return room
}

const (
	maxCutEnds = 0.01
	maxEndRoom = 8
)
