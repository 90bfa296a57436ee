package canary

import (
	"math"

	"dmtrain/internal/mask"
	"dmtrain/internal/task"
)

// oracle is the best possible predictor given what a position may know: every token that is not hidden at levels up
// to the position's own bound, even if other masks hide it; that the answer exists, if the position sees its place;
// and the distribution that the text was drawn from.
type oracle struct {
	text *text
	mask mask.Config

	ends map[string]ends // by kind of batch
}

// ends says how ends of documents are hidden. If they never are, a hidden token must be a letter.
type ends struct {
	hidden   bool
	repeated bool // up to the first visible token
}

// prediction is one output's answer, and what the output may know of it.
type prediction struct {
	slot        bool
	at          int  // position of the answer in its row; may be one past the row
	start       int  // of its document
	begun       int  // of the document's first letter in the row, after its Begin
	hidden      bool // the output knows that the answer is hidden, so that it exists
	left, right int  // nearest known positions before and after the answer; none without one
	answer      int  // letter; none for the end of the document
	n           int  // index of the output in the batch
}

// row calls f for every prediction of a row.
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

// neighbours finds the nearest known tokens around the answer.
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
		return 0 // the length of documents is known
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

// ended is the probability that a document has ended at or before a hidden position, if the End is repeated up to the
// first visible position. The document may have ended anywhere after the last known letter.
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

// head is the oracle's probability of the first letter of a target. It depends on the first letter of the source and,
// if that letter is not sure, on the source's length.
func (o *oracle) head(b *task.Batch, row int, p *prediction) float64 {
	source := &b.Rows.Sources[0]
	length, crossLimit := source.Len(row)-1, int(b.Plan.Sources[0].Cross.Hi[p.n])
	long := 0.0
	switch {
	case crossLimit < length: // the source's end is unread
		long = o.text.sources.beyond(max(crossLimit+1, 1), o.text.long)
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

// observeEnds records how a batch hides the ends of documents.
func (o *oracle) observeEnds(b *task.Batch) {
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
