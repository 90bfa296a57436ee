package cpu

import "dmtrain/internal/kernels"

// AttentionBackward computes one item per batch row and head: tiles of queries in ascending order, each against the
// keys it sees in ascending order, so every sum has one order.
func (b *Backend) AttentionBackward(a kernels.AttentionBackward) {
	batch, width := a.Mask.Batch, a.H*a.D
	n := batch * a.H * a.T
	t := attentionBackwardTask{
		attention: b.attention(a.T, a.S, a.H, a.D, a.Mask, a.Drop),
		q:         strided(a.Q, batch*a.T, width), k: strided(a.K, batch*a.S, width), v: strided(a.V, batch*a.S, width),
		dq: strided(a.DQ, batch*a.T, width), dk: strided(a.DK, batch*a.S, width), dv: strided(a.DV, batch*a.S, width),
		out: strided(a.Out, batch*a.T, width), dout: strided(a.DOut, batch*a.T, width),
		lse: f32(a.LSE, n), delta: f32(a.Delta, n),
	}
	launch(b, &b.tasks.attentionBackward, t, batch*a.H)
}

type attentionBackwardTask struct {
	attention
	q, k, v    matrix
	dq, dk, dv matrix
	out, dout  matrix
	lse, delta []float32
}

// attentionHead is one batch row's head, and the scratch of its current tile.
type attentionHead struct {
	row, head  int
	mask       mask
	q, k, v    matrix
	dq, dk, dv matrix
	out, dout  matrix
	lse, delta []float32 // T

	i0, n              int       // the tile's first query and how many
	qT, doutT          []float32 // D × tileQ: its queries (scaled) and output gradients, turned
	p, ds, factors     []float32 // tileS × tileQ: probabilities, score gradients, edge factors
	tileLSE, tileDelta []float32 // tileQ
}

func (t *attentionBackwardTask) open(w *worker, item int) attentionHead {
	head, row := item%t.h, item/t.h
	tiles := carver(w.scratch((2*t.d + 3*tileS + 2) * tileQ))
	return attentionHead{
		row: row, head: head, mask: t.mask.row(row),
		q: t.head(t.q, row*t.t, head), k: t.head(t.k, row*t.s, head), v: t.head(t.v, row*t.s, head),
		dq: t.head(t.dq, row*t.t, head), dk: t.head(t.dk, row*t.s, head), dv: t.head(t.dv, row*t.s, head),
		out: t.head(t.out, row*t.t, head), dout: t.head(t.dout, row*t.t, head),
		lse: t.lse[item*t.t:][:t.t], delta: t.delta[item*t.t:][:t.t],
		qT: tiles.rows(t.d), doutT: tiles.rows(t.d), p: tiles.rows(tileS), ds: tiles.rows(tileS), factors: tiles.rows(tileS),
		tileLSE: tiles.rows(1), tileDelta: tiles.rows(1),
	}
}

func (t *attentionBackwardTask) run(w *worker, item int) {
	h := t.open(w, item)
	clearRows(h.dq, t.t, t.d)
	clearRows(h.dk, t.s, t.d)
	clearRows(h.dv, t.s, t.d)
	for tile := range pieces(t.t, tileQ) {
		i0, i1 := span(tile, tileQ, t.t)
		h.i0, h.n = i0, i1-i0
		w.bounds.load(&h.mask, i0, i1)
		t.prim.transpose(h.qT, tileQ, h.q.data[i0*h.q.stride:], h.q.stride, h.n, t.d, t.scale)
		t.prim.transpose(h.doutT, tileQ, h.dout.data[i0*h.dout.stride:], h.dout.stride, h.n, t.d, 1)
		for i := i0; i < i1; i++ {
			h.delta[i] = t.prim.dot(h.out.row(i, t.d), h.dout.row(i, t.d))
		}
		copy(h.tileLSE, h.lse[i0:i1])
		copy(h.tileDelta, h.delta[i0:i1])

		queries := h.mask.queryTile(tile)
		for keyTile := range pieces(t.s, tileS) {
			keys := h.mask.keyTile(keyTile)
			if hides(queries, keys) {
				continue
			}
			j0, j1 := span(keyTile, tileS, t.s)
			t.meet(w, &h, j0, j1, shows(queries, keys))
		}
	}
}

// meet adds what the tile's queries and keys j0 … j1−1 have to do with each other:
//
//	P = exp(S − LSE), dP = dOut·Vᵀ, dS = P∘(dP − Δ)/√D; dV += Pᵀ·dOut, dK += dSᵀ·Q, dQ += dS·K
//
// Edge factors F make it P∘F in dV, and dP∘F in dS.
func (t *attentionBackwardTask) meet(w *worker, h *attentionHead, j0, j1 int, allVisible bool) {
	n := j1 - j0
	p, ds := h.p[:n*tileQ], h.ds[:n*tileQ]
	k, v := h.k.data[j0*h.k.stride:], h.v.data[j0*h.v.stride:]
	t.prim.multiply(p, tileQ, k, h.k.stride, 1, h.qT, tileQ, n, h.n, t.d, false)
	if !allVisible {
		t.hide(p, &w.bounds, &h.mask, h.n, j0, j1)
	}
	t.prim.multiply(ds, tileQ, v, h.v.stride, 1, h.doutT, tileQ, n, h.n, t.d, false)
	if t.drop.rate > 0 {
		t.edgeFactors(h.factors, h.row, h.head, h.i0, h.n, j0, j1)
		t.prim.keep(ds, ds, h.factors[:n*tileQ])
	}
	t.prim.scoreGradients(p, ds, n, h.n, h.tileLSE, h.tileDelta, t.scale)
	if t.drop.rate > 0 {
		t.prim.keep(p, p, h.factors[:n*tileQ])
	}
	q, dout := h.q.data[h.i0*h.q.stride:], h.dout.data[h.i0*h.dout.stride:]
	t.prim.multiply(h.dv.data[j0*h.dv.stride:], h.dv.stride, p, tileQ, 1, dout, h.dout.stride, n, t.d, h.n, true)
	t.prim.multiply(h.dk.data[j0*h.dk.stride:], h.dk.stride, ds, tileQ, 1, q, h.q.stride, n, t.d, h.n, true)
	t.prim.multiply(h.dq.data[h.i0*h.dq.stride:], h.dq.stride, ds, 1, tileQ, k, h.k.stride, h.n, t.d, n, true)
}
