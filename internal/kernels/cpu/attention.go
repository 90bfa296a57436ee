package cpu

import "dmtrain/internal/kernels"

// Scores live transposed: a tile holds keys × queries, so that everything the softmax does to a query (its maximum, its
// sum, its scale) runs across queries side by side. Q is the only operand that has to be turned for that;
// K and V are read where they lie.

// Attention computes one item per batch row, head and tile of queries.
func (b *Backend) Attention(a kernels.AttentionForward) {
	batch, width := a.Mask.Batch, a.H*a.D
	t := attentionTask{
		attention: b.attention(a.T, a.S, a.H, a.D, a.Mask, a.Drop),
		q:         strided(a.Q, batch*a.T, width), k: strided(a.K, batch*a.S, width), v: strided(a.V, batch*a.S, width),
		out: strided(a.Out, batch*a.T, width), lse: f32(a.LSE, batch*a.H*a.T),
	}
	launch(b, &b.tasks.attention, t, batch*a.H*pieces(a.T, tileQ))
}

// attention is what both directions have in common.
type attention struct {
	prim       *primitives
	t, s, h, d int
	scale      float32 // 1/√D
	mask       mask
	drop       edgeDrop
}

func (b *Backend) attention(t, s, h, d int, m kernels.Mask, drop kernels.EdgeDrop) attention {
	return attention{&b.prim, t, s, h, d, 1 / sqrt(float32(d)), b.mask(m), readEdgeDrop(drop)}
}

// head is head h of a matrix's rows from row on.
func (a *attention) head(m matrix, row, h int) matrix {
	if len(m.data) == 0 {
		return m
	}
	return matrix{m.data[row*m.stride+h*a.d:], m.stride}
}

type attentionTask struct {
	attention
	q, k, v, out matrix
	lse          []float32
}

// flash is the state of one tile of queries while it meets the keys.
type flash struct {
	row, head        int
	i0, n            int       // first query and how many
	met              bool      // keys, before those of the current tile
	q                []float32 // D × tileQ: the queries, scaled and turned
	out              []float32 // tileQ × D: Σ exp(s − max)·V so far
	scores, factors  []float32 // tileS × tileQ; factors only with edge dropping
	max, sum, shrink []float32 // tileQ
}

func (t *attentionTask) open(w *worker) flash {
	rows := 2*t.d + tileS + 3
	if t.drop.rate > 0 {
		rows += tileS
	}
	tiles := carver(w.scratch(rows * tileQ))
	f := flash{
		q: tiles.rows(t.d), out: tiles.rows(t.d), scores: tiles.rows(tileS),
		max: tiles.rows(1), sum: tiles.rows(1), shrink: tiles.rows(1), factors: tiles,
	}
	return f
}

// carver hands out rows of tileQ from one piece of scratch.
type carver []float32

func (c *carver) rows(n int) []float32 {
	part := (*c)[:n*tileQ]
	*c = (*c)[n*tileQ:]
	return part
}

func (t *attentionTask) run(w *worker, item int) {
	tiles := pieces(t.t, tileQ)
	tile := item % tiles
	f := t.open(w)
	f.head, f.row = item/tiles%t.h, item/tiles/t.h
	m := t.mask.row(f.row)
	q := t.head(t.q, f.row*t.t, f.head)
	k, v := t.head(t.k, f.row*t.s, f.head), t.head(t.v, f.row*t.s, f.head)

	i0, i1 := span(tile, tileQ, t.t)
	f.i0, f.n = i0, i1-i0
	w.bounds.load(&m, i0, i1)
	t.prim.transpose(f.q, tileQ, q.data[i0*q.stride:], q.stride, f.n, t.d, t.scale)
	clear(f.out)
	clear(f.sum)
	fill(f.max, -inf())

	for keyTile := range pieces(t.s, tileS) {
		w.blocks.find(&m, tile, keyTile)
		found := w.blocks.all()
		for _, b := range found {
			t.meet(w, &f, &m, k, v, keyTile*tileS, b)
		}
		f.met = f.met || len(found) > 0
	}
	t.finish(&f)
}

// meet takes a block's keys into the running softmax of its queries; keys are counted from j0.
func (t *attentionTask) meet(w *worker, f *flash, m *mask, k, v matrix, j0 int, b block) {
	at, j, n := b.j*tileQ+b.i, j0+b.j, b.keys()
	scores := f.scores[at:]
	t.prim.multiply(scores, tileQ, k.data[j*k.stride:], k.stride, 1, f.q[b.i:], tileQ, n, b.n, t.d, false)
	if !b.full {
		t.hide(scores, &w.bounds, m, b, j0)
	}
	t.prim.softmaxStep(scores, n, b.n, f.max[b.i:], f.sum[b.i:], f.shrink[b.i:])
	if f.met { // else out is 0
		t.shrinkRows(f, b)
	}
	if t.drop.rate > 0 {
		t.edgeFactors(f.factors[at:], f.row, f.head, f.i0, j0, b)
		t.dropEdges(scores, f.factors[at:], b)
	}
	t.prim.multiply(f.out[b.i*t.d:], t.d, scores, 1, tileQ, v.data[j*v.stride:], v.stride, b.n, t.d, n, true)
}

// shrinkRows multiplies the sums of a block's queries by what their maxima grew by. Most do not grow.
func (t *attentionTask) shrinkRows(f *flash, b block) {
	for i := b.i; i < b.i+b.n; i++ {
		if f.shrink[i] != 1 {
			row := f.out[i*t.d:][:t.d]
			t.prim.scale(row, row, f.shrink[i])
		}
	}
}

// finish divides by the sums and writes the tile's outputs.
func (t *attentionTask) finish(f *flash) {
	lse := t.lse[(f.row*t.h+f.head)*t.t+f.i0:][:f.n]
	out := t.head(t.out, f.row*t.t, f.head)
	for i := range lse {
		share := float32(0)
		lse[i] = 0
		if f.sum[i] != 0 {
			lse[i], share = f.max[i]+log(f.sum[i]), 1/f.sum[i]
		}
		t.prim.scale(out.row(f.i0+i, t.d), f.out[i*t.d:][:t.d], share)
	}
}

// hide sets the scores of a block's invisible pairs to −∞.
func (a *attention) hide(scores []float32, q *queryBounds, m *mask, b block, j0 int) {
	from, to := j0+b.j, j0+b.end
	a.prim.hideScores(scores, b.n, m.pos[from:to], m.pos[from:to], q.lo[b.i:], q.hi[b.i:])
	if m.tag != nil {
		a.prim.hideScores(scores, b.n, m.a[from:to], m.b[from:to], q.tag[b.i:], q.tag[b.i:])
	}
}

// queryBounds are a tile's integers, at the tile's full length.
type queryBounds struct{ lo, hi, tag [tileQ]int32 }

func (q *queryBounds) load(m *mask, i0, i1 int) {
	copy(q.lo[:], m.lo[i0:i1])
	copy(q.hi[:], m.hi[i0:i1])
	if m.tag != nil {
		copy(q.tag[:], m.tag[i0:i1])
	}
}

// edgeDrop is kernels.EdgeDrop with its draw read.
type edgeDrop struct {
	kernels.EdgeDrop
	rate float32
	draw draw
}

func readEdgeDrop(e kernels.EdgeDrop) edgeDrop {
	if e.Rate == 0 {
		return edgeDrop{}
	}
	return edgeDrop{e, e.Rate, readDraw(e.Draw)}
}

// edgeFactors sets a block to what its edges are multiplied by: 0 or 1/(1 − rate).
func (a *attention) edgeFactors(f []float32, row, head, i0, j0 int, b block) {
	e := &a.drop
	low, high := e.draw.seeds()
	line := (e.draw.first+uint32(row))*uint32(a.t) + uint32(i0+b.i)
	a.prim.edgeFactors(f, pieces(b.keys(), 4), b.n, e.rate, 1/(1-e.rate),
		uint32(j0+b.j)/4, low, high, uint32(e.Purpose(head)), e.draw.step, line)
}

// dropEdges multiplies a block by its factors.
func (a *attention) dropEdges(x, factors []float32, b block) {
	for j := range b.keys() {
		row := x[j*tileQ:][:b.n]
		a.prim.keep(row, row, factors[j*tileQ:][:b.n])
	}
}

func fill(dst []float32, v float32) {
	for i := range dst {
		dst[i] = v
	}
}
