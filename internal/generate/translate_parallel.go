package generate

import (
	"context"
	"errors"
	"math"
	"slices"

	"dmtrain/internal/mask"
	"dmtrain/internal/model"
)

// Blocks say how targets are decoded in parallel.
type Blocks struct {
	Size int // slots predicted at once
	Acceptance
}

// NewParallelTranslator decodes in blocks of slots, for models trained with form infill. Each round predicts all open slots of every
// target's block, from its source, the target before the block and what has been accepted of the block on either side; a finished block
// becomes ordinary text. Slots past an accepted End are dropped. Blocks of one are greedy decoding. A hypothesis' score is of the
// confidences it was accepted with.
func NewParallelTranslator(m *model.Model, c mask.Config, o Translation, b Blocks) (*Translator, error) {
	switch {
	case c.Form != mask.FormInfill:
		return nil, errors.New("mask.form: only a model trained with infill predicts blocks in parallel")
	case o.Beams != 1:
		return nil, errors.New("beams: parallel decoding follows one target at a time")
	}
	if err := checkBlock(b.Size, m.Context); err != nil {
		return nil, err
	}
	t := NewTranslator(m, c, o)
	t.blocks = &b
	return t, nil
}

// TranslateParallel is a parallel Translator's Translate for sources that are all there, with the rounds it took.
func TranslateParallel(ctx context.Context, m *model.Model, c mask.Config, sources [][]int32, o Translation, b Blocks, done Decoded) ([][]Hypothesis, Rounds, error) {
	t, err := NewParallelTranslator(m, c, o, b)
	if err != nil {
		return nil, Rounds{}, err
	}
	defer t.Free()
	found, err := t.Translate(ctx, sources, done)
	return found, t.Rounds(), err
}

// blockTranslator decodes batches of sources block by block. A block's first pass also reads the block before, and its later rounds
// take the pass rest.
type blockTranslator struct {
	translator
	Blocks
	window  int // how far past itself a slot sees: no further than in training
	rest    *model.Decode
	restTok *model.Tokens
	rounds  *Rounds
}

func newBlockTranslator(m *model.Model, c mask.Config, o Translation, b Blocks, s int, rounds *Rounds) (*blockTranslator, error) {
	first, err := newTranslator(m, c, o, s, 2*b.Size)
	if err != nil {
		return nil, err
	}
	size := first.pass.DecodeOptions
	size.T = b.Size
	rest, err := m.NewDecode(size, first.pass)
	if err != nil {
		first.pass.Free()
		return nil, err
	}
	return &blockTranslator{translator: *first, Blocks: b, window: first.planner.Config().MaxWindow, rest: rest, restTok: rest.NewTokens(), rounds: rounds}, nil
}

func (t *blockTranslator) free() {
	t.rest.Free()
	t.translator.free()
}

// target is one line's target as far as it is known.
type target struct {
	line   int
	ids    []int32 // finished
	cached int     // positions in the cache, of Begin and ids
	next   []float32
	block  []int32
	open   []guess // of block
	sum    float64 // of the logarithms of confidences
	ended  bool
}

func (t *blockTranslator) decode(ctx context.Context, sources [][]int32, lines []int, first int, out [][]Hypothesis) error {
	t.first = first
	t.readSources(sources, lines)
	targets := make([]*target, len(lines))
	for i, line := range lines {
		targets[i] = &target{line: line}
	}
	for t.begin(targets) {
		for round := 1; slices.ContainsFunc(targets, (*target).unfinished); round++ {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := t.round(targets, round); err != nil {
				return err
			}
		}
		for _, g := range targets {
			t.finish(g)
		}
	}
	for _, g := range targets {
		out[g.line] = []Hypothesis{{g.ids, t.penalised(g.sum, len(g.ids)+1)}}
	}
	return nil
}

// begin opens the next block of every target that goes on, and says whether there is one.
func (t *blockTranslator) begin(targets []*target) (more bool) {
	for _, g := range targets {
		n := min(t.Size, t.limit()-len(g.ids))
		g.block, g.open = nil, nil
		if g.ended || n < 1 {
			continue
		}
		more = true
		g.block = make([]int32, n)
		for i := range n {
			g.open = append(g.open, guess{at: i})
		}
	}
	return more
}

// unfinished says whether slots of the block are open.
func (g *target) unfinished() bool { return len(g.open) > 0 }

// round predicts the open slots of all targets, and accepts some.
func (t *blockTranslator) round(targets []*target, round int) error {
	pass, tok := t.rest, t.restTok
	if round == 1 {
		pass, tok = t.pass, t.tok
	}
	clearTokens(tok)
	copy(tok.Cross.Pos, t.plan.Sources[0].Cross.Pos)
	behind := make([]int, len(targets))
	for i, g := range targets {
		if g.unfinished() {
			r := rowsOf{tok, &t.plan, i, i, pass.T}
			if round == 1 {
				behind[i] = len(g.ids) + 1 - g.cached
			}
			t.lay(r, g, behind[i])
		}
	}
	logits, err := t.run(pass, tok)
	if err != nil {
		return err
	}
	for i, g := range targets {
		if g.unfinished() {
			row := func(n int) []float32 { return logits[(i*pass.T+n)*t.vocab:][:t.vocab] }
			if behind[i] > 0 {
				g.next = append(g.next[:0], row(behind[i]-1)...)
				g.cached += behind[i]
			}
			t.rounds.Passes++
			t.guess(g, func(n int) []float32 { return row(behind[i] + n) })
			t.settle(g, t.MaxRounds > 0 && round >= t.MaxRounds)
		}
	}
	return nil
}

// rowsOf are one target's rows of a pass.
type rowsOf struct {
	*model.Tokens
	plan   *mask.Plan
	row    int // of the pass
	source int // of the plan
	t      int // tokens a row
}

// clearTokens empties a pass: nothing is read and nothing is visible.
func clearTokens(tok *model.Tokens) {
	for i := range tok.IDs {
		tok.IDs[i], tok.Positions[i], tok.Keep[i], tok.Hidden[i] = 0, 0, false, 0
		tok.Self.Lo[i], tok.Self.Hi[i], tok.Cross.Hi[i] = 0, -1, -1
	}
	for i := range tok.Self.Pos {
		tok.Self.Pos[i] = mask.Inf
	}
}

// lay puts a target's uncached text and its block into a pass.
func (t *blockTranslator) lay(r rowsOf, g *target, behind int) {
	for p := range g.cached {
		r.show(p)
	}
	for i := range behind {
		id := t.Begin
		if p := g.cached + i; p > 0 {
			id = g.ids[p-1]
		}
		r.visible(i, g.cached+i, id)
	}
	open := g.isOpen()
	at, end := len(g.ids)+1, len(g.ids)+len(g.block)
	last := at - 1
	for i, id := range g.block {
		if open[i] {
			r.slot(behind+i, at+i, min(at+i+t.window, end), last)
		} else {
			r.visible(behind+i, at+i, id)
			last = at + i
		}
	}
}

// show makes a cached position visible.
func (r rowsOf) show(position int) {
	to, from := r.row*r.Self.S+position, r.source*r.plan.T+position
	r.Self.Pos[to] = r.plan.Mask.Pos[from]
	if r.Self.Tag != nil {
		r.Self.A[to], r.Self.B[to] = r.plan.Mask.A[from], r.plan.Mask.B[from]
	}
}

// sees makes a row see what the token at a position does of its text, and the one at another of its source.
func (r rowsOf) sees(row, position, reader int) int {
	n, from := r.row*r.t+row, r.source*r.plan.T+position
	r.Positions[n] = int32(position)
	r.Self.Lo[n], r.Self.Hi[n] = r.plan.Mask.Lo[from], r.plan.Mask.Hi[from]
	if r.Self.Tag != nil {
		r.Self.Tag[n] = r.plan.Mask.Tag[from]
	}
	r.Cross.Hi[n] = r.plan.Sources[0].Cross.Hi[r.source*r.plan.T+reader]
	return n
}

// visible makes a row the token at a position: it sees what the structure shows it and enters the cache.
func (r rowsOf) visible(row, position int, id int32) {
	n := r.sees(row, position, position)
	r.IDs[n], r.Keep[n] = id, true
	r.show(position)
}

// slot makes a row a slot at a position: hidden, seen by no one, seeing every visible token up to a position, and of the source what the
// last token before it sees.
func (r rowsOf) slot(row, position, upTo, last int) {
	n := r.sees(row, position, last)
	r.Hidden[n] = 1
	r.Self.Hi[n] = max(r.Self.Hi[n], int32(upTo))
}

// isOpen says of each slot of the block whether it is open.
func (g *target) isOpen() []bool {
	open := make([]bool, len(g.block))
	for _, o := range g.open {
		open[o.at] = true
	}
	return open
}

// guess predicts a target's open slots.
func (t *blockTranslator) guess(g *target, row func(int) []float32) {
	open := g.isOpen()
	for i := range g.open {
		at := g.open[i].at
		own := predictor(open, at, t.window, g.next, row)
		pick := sampler{Sampling: t.Sampling}
		g.open[i].id, g.open[i].conf = pick.pick(own, t.first+g.line, len(g.ids)+at, t.banned())
	}
}

// settle accepts predictions, and closes the slots past an accepted End.
func (t *blockTranslator) settle(g *target, last bool) {
	keep := t.accept(g.open, t.End, last)
	for _, o := range g.open[:keep] {
		g.sum += math.Log(o.conf)
	}
	g.block, g.open = settle(g.block, g.open, keep, t.End)
}

// finish makes a block ordinary text.
func (t *blockTranslator) finish(g *target) {
	for _, id := range g.block {
		t.rounds.Tokens++
		if id == t.End {
			g.ended = true
			return
		}
		g.ids = append(g.ids, id)
	}
}
