package generate

import "slices"

// text is a sequence being decoded, a row of a cache.
type text struct {
	ids     []int32   // what of it still fits the context
	context int       // how many do
	cached  int       // of ids: what the cache has
	next    []float32 // the logits after the last token that was read

	out    []int32 // what was decoded, without an End
	ended  bool    // by an End
	sum    float64 // log-probability of out and the End
	passes int     // that it took
	place  place   // of its draws
}

// place is where a text's draws are in the random streams: those of a sequence, whose first decoded token has a
// position.
type place struct{ sequence, first int }

// newText is one that begins with a prompt, whose newest tokens are kept if it is longer than the context.
func newText(prompt []int32, context int, p place) *text {
	return &text{ids: slices.Clone(prompt[max(0, len(prompt)-context):]), context: context, place: p}
}

// unread is how many tokens the cache lacks.
func (t *text) unread() int { return len(t.ids) - t.cached }

// took notes that n tokens more were read, with these logits.
func (t *text) took(l logits, n int) {
	if n > 0 {
		t.cached += n
		t.next = append(t.next[:0], l.at(n-1)...)
	}
}

// push appends a decoded token, forgetting the older half of a text that outgrows the context.
func (t *text) push(id int32) {
	t.ids, t.out = append(t.ids, id), append(t.out, id)
	t.passes++
	t.reserve(0)
}

// reserve makes room for n more tokens in the context.
func (t *text) reserve(n int) {
	if len(t.ids)+n <= t.context {
		return
	}
	keep := min(t.context/2, t.context-n)
	t.ids = slices.Delete(t.ids, 0, len(t.ids)-max(keep, 1))
	t.cached = 0
}

// branch is a copy that goes on by itself, its next logits in room.
func (t *text) branch(room []float32) *text {
	c := *t
	c.ids, c.out, c.next = slices.Clone(t.ids), slices.Clone(t.out), room
	return &c
}
