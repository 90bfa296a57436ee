package generate

import (
	"slices"

	"dmtrain/internal/mask"
	"dmtrain/internal/model"
)

// history is the text a sequence has so far and how much of it the cache holds.
type history struct {
	context, vocab int
	static         *mask.Mask // one row: what the structure shows each position of the context
	ids            []int32    // what still fits the context
	cached         int        // of ids
	rows           map[*model.Decode]*model.Tokens
}

func newHistory(m *model.Model, static *mask.Mask, prompt []int32) *history {
	h := &history{context: m.Context, vocab: m.Vocab, static: static, rows: map[*model.Decode]*model.Tokens{}}
	h.ids = append(h.ids, prompt[max(0, len(prompt)-m.Context):]...)
	return h
}

// push appends a token, forgetting the older half of a text that outgrows the context.
func (h *history) push(id int32) {
	h.ids = append(h.ids, id)
	h.reserve(0)
}

// reserve makes room for n more tokens in the context.
func (h *history) reserve(n int) {
	if len(h.ids)+n <= h.context {
		return
	}
	keep := min(h.context/2, h.context-n)
	h.ids = slices.Delete(h.ids, 0, len(h.ids)-max(keep, 1))
	h.cached = 0
}

// catchUp reads all tokens that the cache lacks, many at once or one, and returns the logits after the last.
func (h *history) catchUp(read, next *model.Decode) ([]float32, error) {
	var last []float32
	for h.cached < len(h.ids) {
		d := next
		if len(h.ids)-h.cached > 1 {
			d = read
		}
		n := min(d.T, len(h.ids)-h.cached)
		t := h.tokens(d)
		for i := range n {
			h.ordinary(t, i, h.cached+i)
		}
		logits, err := h.run(d, t)
		if err != nil {
			return nil, err
		}
		h.cached += n
		last = logits[(n-1)*h.vocab : n*h.vocab]
	}
	return last, nil
}

// tokens are d's rows, emptied: nothing is read, cached positions alone are visible.
func (h *history) tokens(d *model.Decode) *model.Tokens {
	t := h.rows[d]
	if t == nil {
		t = d.NewTokens()
		h.rows[d] = t
	}
	for i := range d.T {
		t.IDs[i], t.Positions[i], t.Keep[i], t.Hidden[i], t.Self.Lo[i], t.Self.Hi[i] = 0, 0, false, 0, 0, -1
	}
	for j := range t.Self.Pos {
		t.Self.Pos[j] = mask.Inf
		if j < h.cached {
			t.Self.Pos[j] = h.static.Pos[j]
		}
	}
	copy(t.Self.A, h.static.A)
	copy(t.Self.B, h.static.B)
	return t
}

// ordinary makes row i of t the token at a position of the text.
func (h *history) ordinary(t *model.Tokens, i, position int) {
	h.visible(t, i, position, h.ids[position])
}

// visible makes row i of t a token at a position: it sees what the structure shows it and enters the cache.
func (h *history) visible(t *model.Tokens, i, position int, id int32) {
	t.IDs[i], t.Positions[i], t.Keep[i] = id, int32(position), true
	t.Self.Pos[position] = h.static.Pos[position]
	h.see(t, i, position)
}

// slot makes row i of t a slot at a position: hidden, seen by no one, seeing every visible token up to a level.
func (h *history) slot(t *model.Tokens, i, position, upTo int) {
	t.Positions[i], t.Hidden[i] = int32(position), 1
	h.see(t, i, position)
	t.Self.Hi[i] = max(t.Self.Hi[i], int32(upTo))
}

func (h *history) see(t *model.Tokens, i, position int) {
	t.Self.Lo[i], t.Self.Hi[i] = h.static.Lo[position], h.static.Hi[position]
	if t.Self.Tag != nil {
		t.Self.Tag[i] = h.static.Tag[position]
	}
}

// run reads t and returns the logits of all its rows, valid until the next run.
func (h *history) run(d *model.Decode, t *model.Tokens) ([]float32, error) {
	logits, err := d.Run(t)
	if err != nil {
		return nil, err
	}
	return logits, checkFinite(logits)
}
