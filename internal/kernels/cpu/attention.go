package cpu

import (
	"dmtrain/internal/kernels"
	"dmtrain/internal/rng"
)

// Scores live transposed: a tile holds keys × queries, so that everything the softmax does to a query (its maximum, its
// sum, its scale) runs across queries side by side. Q is the only operand that has to be turned for that;
// K and V are read where they lie.

// Attention computes one item per batch row, head and tile of queries.
func (b *Backend) Attention(a kernels.AttentionForward) {
	batch, width := a.Mask.Batch, a.H*a.D
	t := attentionTask{
		prim: &b.prim, shape: shapeOf(a.T, a.S, a.H, a.D),
		q: strided(a.Q, batch*a.T, width), k: strided(a.K, batch*a.S, width), v: strided(a.V, batch*a.S, width),
		out: strided(a.Out, batch*a.T, width), lse: f32(a.LSE, batch*a.H*a.T),
		mask: b.mask(a.Mask), drop: readEdgeDrop(a.Drop),
	}
	launch(b, &b.tasks.attention, t, batch*a.H*pieces(a.T, tileQ))
}

// attentionShape is one attention's sizes and its scale, 1/√D.
type attentionShape struct {
	t, s, h, d int
	scale      float32
}

func shapeOf(t, s, h, d int) attentionShape {
	return attentionShape{t, s, h, d, 1 / sqrt(float32(d))}
}

// head is head h of the rows from row on.
func (s *attentionShape) head(m matrix, row, h int) matrix {
	if len(m.data) == 0 {
		return m
	}
	return matrix{m.data[row*m.stride+h*s.d:], m.stride}
}

type attentionTask struct {
	prim         *primitives
	shape        attentionShape
	q, k, v, out matrix
	lse          []float32
	mask         mask
	drop         edgeDrop
}

// flash is the state of one tile of queries while it meets the keys.
type flash struct {
	i0, n    int       // first query and how many
	q        []float32 // D × tileQ: the queries, scaled and turned
	out      []float32 // D × tileQ: Σ exp(s − max)·V so far
	scores   []float32 // tileS × tileQ
	max, sum []float32 // tileQ
}

func newFlash(w *worker, d int) flash {
	buf := w.scratch((2*d + tileS + 2) * tileQ)
	cut := func(rows int) []float32 {
		part := buf[:rows*tileQ]
		buf = buf[rows*tileQ:]
		return part
	}
	return flash{q: cut(d), out: cut(d), scores: cut(tileS), max: cut(1), sum: cut(1)}
}

func (t *attentionTask) run(w *worker, item int) {
	tiles := pieces(t.shape.t, tileQ)
	tile, head, row := item%tiles, item/tiles%t.shape.h, item/tiles/t.shape.h
	m := t.mask.row(row)
	q := t.shape.head(t.q, row*t.shape.t, head)
	k, v := t.shape.head(t.k, row*t.shape.s, head), t.shape.head(t.v, row*t.shape.s, head)

	f := newFlash(w, t.shape.d)
	i0, i1 := span(tile, tileQ, t.shape.t)
	f.i0, f.n = i0, i1-i0
	turn(f.q, q, f.i0, f.n, t.shape.d, t.shape.scale)
	clear(f.out)
	clear(f.sum)
	fill(f.max, -inf)

	queries := m.queryTile(tile)
	for keyTile := range pieces(t.shape.s, tileS) {
		keys := m.keyTile(keyTile)
		if hides(queries, keys) {
			continue
		}
		j0, j1 := span(keyTile, tileS, t.shape.s)
		t.meet(&f, &m, row, head, k, v, j0, j1-j0, shows(queries, keys))
	}
	t.finish(&f, row, head)
}

// meet takes n keys from j0 on into the running softmax.
func (t *attentionTask) meet(f *flash, m *mask, row, head int, k, v matrix, j0, n int, allVisible bool) {
	d := t.shape.d
	scores := f.scores[:n*tileQ]
	clear(scores)
	t.prim.gemm(scores, tileQ, k.data[j0*k.stride:], k.stride, false, f.q, tileQ, false, n, f.n, d)
	if !allVisible {
		hide(scores, m, f.i0, f.n, j0, n)
	}
	for i := range f.n {
		t.softmaxStep(f, i, n)
	}
	if t.drop.rate > 0 {
		t.drop.apply(scores, t.shape.t, row, head, f.i0, f.n, j0, n)
	}
	t.prim.gemm(f.out, tileQ, v.data[j0*v.stride:], v.stride, true, scores, tileQ, false, d, f.n, n)
}

// softmaxStep turns query i's column of n scores into exp(s − max), its running maximum raised where
// needed and what was summed so far scaled to it. A column with nothing visible changes nothing.
func (t *attentionTask) softmaxStep(f *flash, i, n int) {
	top := f.max[i]
	for j := range n {
		top = max(top, f.scores[j*tileQ+i])
	}
	ref := top
	if ref == -inf {
		ref = 0
	}
	shrink := exp(f.max[i] - ref)
	f.max[i] = top
	var sum float32
	for j := range n {
		p := exp(f.scores[j*tileQ+i] - ref)
		f.scores[j*tileQ+i] = p
		sum += p
	}
	f.sum[i] = f.sum[i]*shrink + sum
	if shrink != 1 {
		for c := range t.shape.d {
			f.out[c*tileQ+i] *= shrink
		}
	}
}

// finish divides by the sums and writes the tile's outputs.
func (t *attentionTask) finish(f *flash, row, head int) {
	out := t.shape.head(t.out, row*t.shape.t, head)
	lse := t.lse[(row*t.shape.h+head)*t.shape.t:][:t.shape.t]
	for i := range f.n {
		dst := out.row(f.i0+i, t.shape.d)
		if f.sum[i] == 0 {
			lse[f.i0+i] = 0
			clear(dst)
			continue
		}
		lse[f.i0+i] = f.max[i] + log(f.sum[i])
		norm := 1 / f.sum[i]
		for c := range dst {
			dst[c] = f.out[c*tileQ+i] * norm
		}
	}
}

// turn writes n rows of x from i0 on into the columns of dst (d × tileQ), scaled.
func turn(dst []float32, x matrix, i0, n, d int, scale float32) {
	for i := range n {
		for c, v := range x.row(i0+i, d) {
			dst[c*tileQ+i] = v * scale
		}
	}
}

// hide sets the scores of invisible pairs to −∞.
func hide(scores []float32, m *mask, i0, ni, j0, nj int) {
	for j := range nj {
		for i := range ni {
			if !m.visible(i0+i, j0+j) {
				scores[j*tileQ+i] = -inf
			}
		}
	}
}

func fill(dst []float32, v float32) {
	for i := range dst {
		dst[i] = v
	}
}

// edgeDrop is kernels.EdgeDrop with its draw read.
type edgeDrop struct {
	kernels.EdgeDrop
	rate, keep float32 // keep is 1/(1 − rate)
	draw       draw
}

func readEdgeDrop(e kernels.EdgeDrop) edgeDrop {
	if e.Rate == 0 {
		return edgeDrop{}
	}
	return edgeDrop{e, e.Rate, 1 / (1 - e.Rate), readDraw(e.Draw)}
}

// factor is what the edge from query i of batch row row to key j is multiplied by: 0 or 1/(1 − rate).
func (e *edgeDrop) factor(t, row, head, i, j int) float32 {
	line := (e.draw.first+uint32(row))*uint32(t) + uint32(i)
	if rng.Uniform(e.draw.seed, e.Purpose(head), e.draw.step, line, uint32(j)) < e.rate {
		return 0
	}
	return e.keep
}

// apply drops edges of a tile of probabilities.
func (e *edgeDrop) apply(p []float32, t, row, head, i0, ni, j0, nj int) {
	for j := range nj {
		for i := range ni {
			if p[j*tileQ+i] != 0 {
				p[j*tileQ+i] *= e.factor(t, row, head, i0+i, j0+j)
			}
		}
	}
}
