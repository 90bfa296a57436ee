package generate

import (
	"context"
	"math"
	"slices"
)

// blockTexts decodes texts in blocks of slots, a row each. Each round predicts all open slots of every text's block,
// from its source, the text and what has been accepted of the block on either side; a finished block becomes ordinary
// text. An open slot that follows a token and has none ahead is predicted by that token, as ever: so blocks of one are
// causal decoding. Slots past an accepted End are dropped.
type blockTexts struct {
	Options
	*cache
	sampler sampler
	texts   []*blockText
}

// blockText is a text with a block that is not finished.
type blockText struct {
	*text
	block  []int32
	open   []guess // of block
	behind int     // tokens before the block that this round reads
}

func newBlockTexts(k *cache, o Options, texts []*text) *blockTexts {
	d := &blockTexts{Options: o, cache: k, sampler: sampler{Sampling: o.Sampling}}
	for _, t := range texts {
		d.texts = append(d.texts, &blockText{text: t})
	}
	return d
}

func (d *blockTexts) run(ctx context.Context, do steps) error {
	for d.begin() {
		if err := d.prepare(); err != nil {
			return err
		}
		for round := 1; slices.ContainsFunc(d.texts, (*blockText).unfinished); round++ {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := d.round(d.Blocks.last(round)); err != nil {
				return err
			}
		}
		for _, t := range d.texts {
			if err := do.hear(t.text, t.finish(d.End)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (d *blockTexts) best(i int) []Hypothesis {
	t := d.texts[i]
	return []Hypothesis{{t.out, d.penalised(t.sum, len(t.out)+1)}}
}

// begin opens the next block of every text that goes on, and says whether there is one.
func (d *blockTexts) begin() (more bool) {
	for _, t := range d.texts {
		n := min(d.Blocks.Size, d.MaxTokens-len(t.out))
		t.block, t.open = nil, nil
		if t.ended || n < 1 {
			continue
		}
		more = true
		t.reserve(n)
		t.block = make([]int32, n)
		for i := range n {
			t.open = append(t.open, guess{at: i})
		}
	}
	return more
}

// prepare reads all of the texts but their last blocks, which the next blocks' first round reads. That is much to read
// for a prompt and for a text that has just outgrown the context, and nothing otherwise.
func (d *blockTexts) prepare() error {
	var texts []*text
	for _, t := range d.texts {
		texts = append(texts, t.going())
	}
	return d.catchUp(texts, d.Blocks.Size)
}

// going is the text if its block is unfinished; nil otherwise.
func (t *blockText) going() *text {
	if t.unfinished() {
		return t.text
	}
	return nil
}

// unfinished says whether slots of the block are open.
func (t *blockText) unfinished() bool { return len(t.open) > 0 }

// isOpen says of each slot of the block whether it is open.
func (t *blockText) isOpen() []bool {
	open := make([]bool, len(t.block))
	for _, g := range t.open {
		open[g.at] = true
	}
	return open
}

// round predicts the open slots of all texts, and accepts some; in the last one, all.
func (d *blockTexts) round(last bool) error {
	tokens := d.Blocks.Size
	for _, t := range d.texts {
		if t.behind = t.unread(); t.unfinished() && t.behind > 0 {
			tokens = 2 * d.Blocks.Size
		}
	}
	p, err := d.pass(tokens)
	if err != nil {
		return err
	}
	p.clear()
	for row, t := range d.texts {
		if t.unfinished() {
			d.place(p, row, t)
		}
	}
	all, err := p.run()
	if err != nil {
		return err
	}
	for row, t := range d.texts {
		if t.unfinished() {
			t.passes++
			t.took(all.row(row), t.behind)
			d.predict(t, all.row(row))
			d.settle(t, last)
		}
	}
	return nil
}

// place puts a text's unread tokens and its block into a pass.
func (d *blockTexts) place(p *pass, row int, t *blockText) {
	p.cached(row, t.text)
	for i := range t.behind {
		p.visible(row, i, t.cached+i, t.ids[t.cached+i])
	}
	open, at := t.isOpen(), len(t.ids)
	last, end := at-1, at+len(t.block)-1
	for i, id := range t.block {
		if open[i] {
			p.slot(row, t.behind+i, at+i, min(at+i+d.window, end), last)
		} else {
			p.visible(row, t.behind+i, at+i, id)
			last = at + i
		}
	}
}

// predict guesses a text's open slots.
func (d *blockTexts) predict(t *blockText, l logits) {
	open := t.isOpen()
	for i := range t.open {
		g := &t.open[i]
		own := predictor(open, g.at, d.window, t.next, func(i int) []float32 { return l.at(t.behind + i) })
		g.id, g.conf = d.sampler.draw(own, t.text.place, len(t.out)+g.at, d.Banned), confidence(own, d.Banned)
	}
}

// predictor is the logits that predict the slot at a place of a block: the slot's own if it sees a token after it, and
// otherwise those of the token before it, which before the block is the text's last, with the logits next. A slot
// between open ones has only its own.
func predictor(isOpen []bool, at, window int, next []float32, row func(i int) []float32) []float32 {
	switch {
	case seesAhead(isOpen, at, window):
		return row(at)
	case at == 0:
		return next
	case !isOpen[at-1]:
		return row(at - 1)
	}
	return row(at)
}

// seesAhead says whether the slot at a place of the block sees a token after it. Only then does it know more than the
// token before it, whose own prediction of the next one, trained on every token, is the better one otherwise.
func seesAhead(isOpen []bool, at, window int) bool {
	for j := at + 1; j < len(isOpen) && j <= at+window; j++ {
		if !isOpen[j] {
			return true
		}
	}
	return false
}

// settle accepts predictions, and closes the slots past an accepted End.
func (d *blockTexts) settle(t *blockText, last bool) {
	keep := d.Blocks.accept(t.open, d.End, last)
	for _, g := range t.open[:keep] {
		t.sum += math.Log(g.conf)
	}
	t.block, t.open = settle(t.block, t.open, keep, d.End)
}

// finish makes the block ordinary text, and returns what it has before an End.
func (t *blockText) finish(end int32) []int32 {
	block := t.block
	if n := slices.Index(block, end); n >= 0 {
		block, t.ended = block[:n], true
	}
	t.ids, t.out = append(t.ids, block...), append(t.out, block...)
	return block
}
