package canary

import (
	"math"

	"dmtrain/internal/mask"
	"dmtrain/internal/task"
)

// oracle predicts as well as anyone can who knows what a position may know: all that is not hidden, at levels up to
// its own bound, whatever else keeps it from seeing that far; that its answer is there, where it sees the place;
// and how the text was made.
type oracle struct {
	text *text
	mask mask.Config

	ends map[string]ends // by kind of batch
}

// ends is how ends of documents are hidden. Where they never are, a hidden token is known to be a letter.
type ends struct {
	hidden   bool
	repeated bool // up to the first place that is not
}

// prediction is one output's answer and what it may know of it.
type prediction struct {
	slot        bool
	at          int  // of the answer in its row, maybe just beyond the row
	start       int  // of its document
	begun       int  // where its letters begin, as far as they are in the row: after its Begin
	hidden      bool // it knows that the answer is hidden, so that it is there
	left, right int  // the nearest places that it knows, before and after the answer; none
	answer      int  // letter, or none for the end
	n           int  // of the output, in the batch
}

// row gives f every prediction of a row.
func (o *oracle) row(b *task.Batch, row int, f func(p *prediction)) {
	t := b.Rows.T
	for i := range t {
		n := row*t + i
		target := b.Plan.Targets[n]
		if target < 0 {
			continue
		}
		p := prediction{
			n:      n,
			slot:   b.Plan.Slot(row, i),
			at:     i + 1,
			start:  int(b.Rows.Start[n]),
			answer: o.text.letter(b.Tokenizer, target),
		}
		if p.slot {
			p.at = i
		}
		p.hidden = p.slot || p.at < t && b.Plan.Hidden[row*t+p.at] != 0 && o.reaches(i, p.at, p.start)
		p.begun = p.start
		if o.text.letter(b.Tokenizer, b.Rows.IDs[row*t+p.start]) == none {
			p.begun++
		}
		o.neighbours(b, row, i, &p)
		f(&p)
	}
}

// reaches says whether the structure shows position j to position i < j of a document.
func (o *oracle) reaches(i, j, start int) bool {
	w := o.mask.Window
	switch o.mask.Structure {
	case mask.StructureFull:
		return true
	case mask.StructurePrefix:
		return j-start < w
	case mask.StructureBlocks:
		return (i-start)/w == (j-start)/w
	}
	return false
}

// neighbours finds what is known around the answer.
func (o *oracle) neighbours(b *task.Batch, row, i int, p *prediction) {
	t, end := b.Rows.T, int(b.Rows.End[p.n])
	known := func(j int) bool {
		n := row*t + j
		if b.Plan.Hidden[n] != 0 || o.mask.Structure == mask.StructureLookahead && j > i {
			return false
		}
		return j == i || b.Plan.Mask.Pos[n] <= b.Plan.Mask.Hi[p.n]
	}
	p.left, p.right = none, none
	for j := p.at - 1; j >= p.start && p.left == none; j-- {
		if known(j) {
			p.left = j
		}
	}
	for j := p.at + 1; j < end && p.right == none; j++ {
		if known(j) {
			p.right = j
		}
	}
}

// bound is −ln of the oracle's probability of the answer.
func (o *oracle) bound(b *task.Batch, row int, p *prediction) float64 {
	if o.text.pairs && p.at == 1 {
		return -math.Log(o.head(b, row, p))
	}
	if o.text.documents.kind == Fixed && p.answer == none {
		return 0 // who can count knows it
	}
	end := o.end(b, row, p)
	if p.answer == none {
		return -math.Log(end)
	}
	return -math.Log(1-end) - math.Log(o.letter(b, row, p))
}

// end is the oracle's probability that the answer is the end of its document.
func (o *oracle) end(b *task.Batch, row int, p *prediction) float64 {
	seen := o.ends[b.Kind]
	goesOn := p.right != none && o.text.letter(b.Tokenizer, b.Rows.IDs[row*b.Rows.T+p.right]) != none
	switch {
	case o.text.documents.kind == Fixed, goesOn, p.hidden && !seen.hidden:
		return 0
	case p.hidden && seen.repeated:
		return o.ended(p)
	case p.at == p.begun, p.right != none:
		return 0
	}
	return o.text.documents.ends(p.at - p.begun)
}

// ended is the probability that a document has ended at a hidden place or before it, where ends of documents are
// repeated up to the first place that is not hidden. The end may have come at any place after the last letter that
// is known, up to the one where it is seen.
func (o *oracle) ended(p *prediction) float64 {
	ended, going := 0.0, 1.0
	before := 0.0
	last := p.right
	if last == none {
		last = p.at
	}
	for j := max(p.left, p.start) + 1; j <= last; j++ {
		if letters := j - p.begun; letters >= 1 {
			h := o.text.documents.ends(letters)
			ended, going = ended+going*h, going*(1-h)
		}
		if j == p.at {
			before = ended
		}
	}
	if p.right == none {
		return before
	}
	return before / ended
}

// letter is the oracle's probability of the answer among letters.
func (o *oracle) letter(b *task.Batch, row int, p *prediction) float64 {
	known := func(j int) int {
		if j == none || o.text.pairs && j < 2 { // the first letter of a target is of another kind
			return none
		}
		return o.text.letter(b.Tokenizer, b.Rows.IDs[row*b.Rows.T+j])
	}
	return o.text.chain.between(p.answer, known(p.left), p.at-p.left, known(p.right), p.right-p.at)
}

// head is the oracle's probability of the first letter of a target, which depends on the source: on its first
// letter, and where that is not sure, on how long it is.
func (o *oracle) head(b *task.Batch, row int, p *prediction) float64 {
	source := &b.Rows.Sources[0]
	length, sees := source.Len(row)-1, int(b.Plan.Sources[0].Cross.Hi[p.n])
	long := 0.0
	switch {
	case sees < length: // its end is unread
		long = o.text.sources.beyond(max(sees+1, 1), o.text.long)
	case length > o.text.long:
		long = 1
	}
	head := func(s int) float64 { return o.text.head(s, p.answer, long) }
	if b.Plan.Sources[0].Hidden[row*source.T] == 0 {
		return head(o.text.letter(b.Tokenizer, source.IDs[row*source.T]))
	}
	sum := 0.0
	for s := range o.text.chain.letters {
		sum += head(s) / float64(o.text.chain.letters)
	}
	return sum
}

// look finds out how ends of documents are hidden.
func (o *oracle) look(b *task.Batch) {
	e := o.ends[b.Kind]
	for n, id := range b.Rows.IDs {
		if b.Rows.Start[n] < 0 || o.text.letter(b.Tokenizer, id) != none {
			continue
		}
		e.hidden = e.hidden || b.Plan.Hidden[n] != 0
		e.repeated = e.repeated || b.Rows.Next[n] < 0 && int(b.Rows.End[n]) > n%b.Rows.T+1
	}
	o.ends[b.Kind] = e
}
