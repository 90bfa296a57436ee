package generate

import (
	"dmtrain/internal/batch"
	"dmtrain/internal/mask"
	"dmtrain/internal/model"
)

// chunk is how many tokens of a prompt are read at once.
const chunk = 64

// cache is a model's memory of texts, a row each: Beams rows a source. Without an encoder a source is but a number.
type cache struct {
	m       *model.Model
	shape   model.DecodeOptions
	planner *mask.Planner
	batch   *batch.Batch // texts as long as the context, a row a source, and the sources
	plan    mask.Plan    // what each of their positions sees
	passes  []*pass      // the first has what all share
	window  int          // how far past itself a slot sees at most: no further than in training
}

// pass is a recorded decoding pass with its tokens.
type pass struct {
	*model.Decode
	tok  *model.Tokens
	plan *mask.Plan
}

// staticPlanner plans for the model's context under the static part of a mask section. It keeps the section's widest
// window.
func staticPlanner(m *model.Model, c mask.Config) (*mask.Planner, error) {
	static := mask.DefaultConfig()
	static.Structure, static.Window, static.Sinks, static.MaxWindow = c.Structure, c.Window, c.Sinks, c.MaxWindow
	static.Cross, static.WaitK = c.Cross, c.WaitK
	return mask.NewPlanner(static, 0, m.MaskRun())
}

// newCache makes one for a model trained under a mask section. shape has the size of the first pass; others are
// recorded when they are needed.
func newCache(m *model.Model, c mask.Config, shape model.DecodeOptions) (*cache, error) {
	p, err := staticPlanner(m, c)
	if err != nil {
		return nil, err
	}
	k := &cache{
		m:       m,
		shape:   shape,
		planner: p,
		window:  p.Config().MaxWindow,
		batch:   batch.New(shape.Sources, m.Context),
	}
	if m.Encoder {
		k.batch = batch.New(shape.Sources, m.Context, shape.S)
	}
	for row := range shape.Sources {
		k.batch.Document(row, make([]int32, m.Context))
		for i := range k.batch.Sources {
			k.batch.Sources[i].Document(row, nil)
		}
	}
	p.PlanStatic(&k.plan, k.batch, 0)
	k.shape.Second = p.Tagged()
	_, err = k.pass(shape.T)
	return k, err
}

// free gives the passes' memory back.
func (k *cache) free() {
	for i := range k.passes {
		k.passes[len(k.passes)-1-i].Free()
	}
}

// pass is that of so many tokens a row.
func (k *cache) pass(t int) (*pass, error) {
	var share *model.Decode
	for i, p := range k.passes {
		if p.T == t {
			return p, nil
		}
		if i == 0 {
			share = p.Decode
		}
	}
	o := k.shape
	o.T = t
	d, err := k.m.NewDecode(o, share)
	if err != nil {
		return nil, err
	}
	p := &pass{Decode: d, tok: d.NewTokens(), plan: &k.plan}
	k.passes = append(k.passes, p)
	return p, nil
}

// readSources encodes sources, and plans what texts see of them; rows without a source have one token, for nothing.
func (k *cache) readSources(sources [][]int32) {
	s := &k.batch.Sources[0]
	for row := range k.shape.Sources {
		source := []int32{0}
		if row < len(sources) {
			source = sources[row]
		}
		s.Document(row, source)
	}
	k.planner.PlanStatic(&k.plan, k.batch, 0)
	k.passes[0].ReadSource(s.IDs, &k.plan.Sources[0].Self)
}

// reorder makes each row continue what its parent, a row of the same source, has read.
func (k *cache) reorder(parents []int32, positions int) { k.passes[0].Reorder(parents, positions) }

// catchUp reads what the cache lacks of the texts but for their last tokens, many at once or one, and gives each text
// the logits after the last token that was read. A row without a text is nil.
func (k *cache) catchUp(texts []*text, but int) error {
	for {
		most := 0
		for _, t := range texts {
			if t != nil {
				most = max(most, t.unread()-but)
			}
		}
		n := min(most, chunk, k.m.Context)
		switch {
		case n <= 0:
			return nil
		case n > 1:
			n = min(chunk, k.m.Context)
		}
		p, err := k.pass(n)
		if err == nil {
			err = p.read(texts, but)
		}
		if err != nil {
			return err
		}
	}
}

// read reads the next tokens of the texts but for their last ones, as many as the pass takes.
func (p *pass) read(texts []*text, but int) error {
	p.clear()
	for row, t := range texts {
		if t != nil {
			p.cached(row, t)
			for i := range min(p.T, t.unread()-but) {
				p.visible(row, i, t.cached+i, t.ids[t.cached+i])
			}
		}
	}
	logits, err := p.run()
	if err != nil {
		return err
	}
	for row, t := range texts {
		if t != nil {
			t.took(logits.row(row), min(p.T, t.unread()-but))
		}
	}
	return nil
}

// logits are a pass's, (B, T, V).
type logits struct {
	all      []float32
	t, vocab int
}

// row are the logits of one text.
func (l logits) row(row int) logits {
	n := l.t * l.vocab
	return logits{l.all[row*n : (row+1)*n], l.t, l.vocab}
}

// at are the logits of a text's i-th token.
func (l logits) at(i int) []float32 { return l.all[i*l.vocab : (i+1)*l.vocab] }

// run computes the logits of the tokens, which hold until the next run.
func (p *pass) run() (logits, error) {
	all, err := p.Run(p.tok)
	if err == nil {
		err = checkFinite(all)
	}
	return logits{all, p.T, len(all) / (p.Rows() * p.T)}, err
}

// clear empties the pass: nothing is read and nothing is visible.
func (p *pass) clear() {
	t := p.tok
	for i := range t.IDs {
		t.IDs[i], t.Positions[i], t.At[i], t.Hidden[i], t.Self.Lo[i], t.Self.Hi[i] = 0, 0, -1, 0, 0, -1
	}
	for i := range t.Self.Pos {
		t.Self.Pos[i] = mask.Inf
	}
	for i := range t.Cross.Hi {
		t.Cross.Hi[i] = -1
	}
	if len(p.plan.Sources) > 0 {
		copy(t.Cross.Pos, p.plan.Sources[0].Cross.Pos)
	}
}

// planned is where the plan has a row's position.
func (p *pass) planned(row, position int) int { return row/p.Beams*p.plan.T + position }

// cached makes what the cache has of a row's text visible.
func (p *pass) cached(row int, t *text) {
	for position := range t.cached {
		p.show(row, position)
	}
}

// show makes a row's position visible.
func (p *pass) show(row, position int) {
	to, from, m := row*p.Context+position, p.planned(row, position), &p.plan.Mask
	p.tok.Self.Pos[to] = m.Pos[from]
	if m.Tag != nil {
		p.tok.Self.A[to], p.tok.Self.B[to] = m.A[from], m.B[from]
	}
}

// place puts a row's i-th token at a position: it sees what the structure shows it of the text, and of the source what
// another position sees. It returns the token's index.
func (p *pass) place(row, i, position, reader int) int {
	n, from, m := row*p.T+i, p.planned(row, position), &p.plan.Mask
	p.tok.Positions[n], p.tok.Self.Lo[n], p.tok.Self.Hi[n] = int32(position), m.Lo[from], m.Hi[from]
	if m.Tag != nil {
		p.tok.Self.Tag[n] = m.Tag[from]
	}
	if len(p.plan.Sources) > 0 {
		p.tok.Cross.Hi[n] = p.plan.Sources[0].Cross.Hi[p.planned(row, reader)]
	}
	return n
}

// visible makes a row's i-th token one of the text, which enters the cache.
func (p *pass) visible(row, i, position int, id int32) {
	n := p.place(row, i, position, position)
	p.tok.IDs[n], p.tok.At[n] = id, int32(row*p.Context+position)
	p.show(row, position)
}

// slot makes a row's i-th token a slot: hidden, seen by no one, seeing every visible token up to a position, and of the
// source what the last token before it does.
func (p *pass) slot(row, i, position, upTo, last int) {
	n := p.place(row, i, position, last)
	p.tok.Hidden[n] = 1
	p.tok.Self.Hi[n] = max(p.tok.Self.Hi[n], int32(upTo))
}
