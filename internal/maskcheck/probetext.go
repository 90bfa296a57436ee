package maskcheck

import (
	"dmtrain/internal/batch"
	"dmtrain/internal/mask"
)

// probeText is the text that a probe changes, in the vocabulary of the probe's model: letters and, last, the End of
// documents. It is changed before Ends are repeated, as a loader would deliver it.
type probeText struct {
	planner *mask.Planner
	letters int32
	end     int32 // −1 if documents have none
	step    int
	raw     *batch.Batch // as the loader fills them
	base    *batch.Batch // unchanged, with repeated Ends
	rows    *batch.Batch // as last filled
}

// newProbeText makes a text of a batch's shape.
func newProbeText(p *mask.Planner, vocab int, end int32, like *batch.Batch) *probeText {
	var sources []int
	for _, s := range like.Sources {
		sources = append(sources, s.T)
	}
	room := func() *batch.Batch { return batch.New(like.B, like.T, sources...) }
	x := &probeText{
		planner: p,
		letters: int32(vocab),
		end:     end,
		raw:     room(),
		base:    room(),
		rows:    room(),
	}
	if end >= 0 {
		x.letters--
	}
	return x
}

// probeEnd is the End of a probe's model: its last token id, or −1 if the text has none.
func probeEnd(vocab int, end int32) int32 {
	if end < 0 {
		return -1
	}
	return int32(vocab) - 1
}

// take takes a step's rows from the loader, whose End is end.
func (x *probeText) take(rows *batch.Batch, end int32, step int) {
	x.step = step
	x.raw.CopyFrom(rows)
	for _, s := range x.raw.Sources {
		for n, id := range s.IDs {
			s.IDs[n] = x.narrow(id, end)
		}
	}
	for n := range x.raw.IDs {
		x.raw.IDs[n], x.raw.Next[n] = x.narrow(rows.IDs[n], end), x.narrow(rows.Next[n], end)
	}
	x.fill(-1)
	x.base.CopyFrom(x.rows)
}

// narrow maps a token id to the probe's vocabulary.
func (x *probeText) narrow(id, end int32) int32 {
	switch {
	case id < 0:
		return id
	case id == end && end >= 0:
		return x.end
	}
	return id % x.letters
}

// fill fills rows from the text, with another token at position t of every row; t < 0 changes nothing.
func (x *probeText) fill(t int) {
	x.rows.CopyFrom(x.raw)
	for b := 0; t >= 0 && b < x.rows.B; b++ {
		x.change(b, t)
	}
	x.planner.RepeatEnds(x.rows, x.step)
}

// repeated says whether the token at n is a repeated End.
func (x *probeText) repeated(n int) bool {
	b := x.base
	return x.end >= 0 && b.IDs[n] == x.end && b.IDs[n-1] == x.end && b.Next[n-1] < 0 && b.Start[n] >= 0 &&
		b.Start[n] == b.Start[n-1]
}

// change changes the token that fill puts at position t of row b. If that is a document's End, the document gets one
// more letter and ends after it, since it must end somewhere.
func (x *probeText) change(b, t int) {
	from, repeats := b*x.base.T, 0
	for n := from + 1; n <= from+t; n++ {
		if x.repeated(n) {
			repeats++
		}
	}
	r, n, at := x.rows, from+t-repeats, t-repeats
	start := int(r.Start[n])
	switch {
	case start < 0, x.letters < 2:
		return
	case r.IDs[n] != x.end || x.end < 0:
		r.IDs[n] = (r.IDs[n] + 1) % x.letters
	case at == start: // a Begin, which is never predicted
		return
	default:
		if at+1 < r.T {
			r.RepeatEnd(b, at, 1)
		}
		r.IDs[n], r.Next[n] = (r.IDs[n-1]+1)%x.letters, x.end
	}
	if at > start && r.Next[n-1] >= 0 { // −1: the token is not predicted
		r.Next[n-1] = r.IDs[n]
	}
}
