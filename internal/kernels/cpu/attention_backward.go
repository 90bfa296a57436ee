package cpu

import "dmtrain/internal/kernels"

// AttentionBackward computes one item per batch row and head: tiles of queries in ascending order, each against the
// keys it sees in ascending order, so every sum has one order.
func (b *Backend) AttentionBackward(a kernels.AttentionBackward) {
	batch, width := a.Mask.Batch, a.H*a.D
	n := batch * a.H * a.T
	t := attentionBackwardTask{
		prim: &b.prim, shape: shapeOf(a.T, a.S, a.H, a.D),
		q: strided(a.Q, batch*a.T, width), k: strided(a.K, batch*a.S, width), v: strided(a.V, batch*a.S, width),
		dq: strided(a.DQ, batch*a.T, width), dk: strided(a.DK, batch*a.S, width), dv: strided(a.DV, batch*a.S, width),
		out: strided(a.Out, batch*a.T, width), dout: strided(a.DOut, batch*a.T, width),
		lse: f32(a.LSE, n), delta: f32(a.Delta, n), mask: b.mask(a.Mask), drop: readEdgeDrop(a.Drop),
	}
	launch(b, &b.tasks.attentionBackward, t, batch*a.H)
}

type attentionBackwardTask struct {
	prim       *primitives
	shape      attentionShape
	q, k, v    matrix
	dq, dk, dv matrix
	out, dout  matrix
	lse, delta []float32
	mask       mask
	drop       edgeDrop
}

// attentionHead is one batch row's head.
type attentionHead struct {
	row, head  int
	mask       mask
	q, k, v    matrix
	dq, dk, dv matrix
	out, dout  matrix
	lse, delta []float32 // T

	qT, doutT []float32 // D × tileQ: the tile's queries (scaled) and output gradients, turned
	p, ds     []float32 // tileS × tileQ: probabilities and score gradients
}

func (t *attentionBackwardTask) run(w *worker, item int) {
	h := t.open(w, item)
	s := &t.shape
	clearRows(h.dq, s.t, s.d)
	clearRows(h.dk, s.s, s.d)
	clearRows(h.dv, s.s, s.d)
	for tile := range pieces(s.t, tileQ) {
		queries := h.mask.queryTile(tile)
		i0, i1 := span(tile, tileQ, s.t)
		turn(h.qT, h.q, i0, i1-i0, s.d, s.scale)
		turn(h.doutT, h.dout, i0, i1-i0, s.d, 1)
		for i := i0; i < i1; i++ {
			h.delta[i] = dot(h.out.row(i, s.d), h.dout.row(i, s.d))
		}
		for keyTile := range pieces(s.s, tileS) {
			keys := h.mask.keyTile(keyTile)
			if hides(queries, keys) {
				continue
			}
			j0, j1 := span(keyTile, tileS, s.s)
			t.meet(&h, i0, i1-i0, j0, j1-j0, shows(queries, keys))
		}
	}
}

func (t *attentionBackwardTask) open(w *worker, item int) attentionHead {
	s := &t.shape
	head, row := item%s.h, item/s.h
	buf := w.scratch((2*s.d + 2*tileS) * tileQ)
	d, n := s.d*tileQ, tileS*tileQ
	return attentionHead{
		row: row, head: head, mask: t.mask.row(row),
		q: s.head(t.q, row*s.t, head), k: s.head(t.k, row*s.s, head), v: s.head(t.v, row*s.s, head),
		dq: s.head(t.dq, row*s.t, head), dk: s.head(t.dk, row*s.s, head), dv: s.head(t.dv, row*s.s, head),
		out: s.head(t.out, row*s.t, head), dout: s.head(t.dout, row*s.t, head),
		lse: t.lse[item*s.t:][:s.t], delta: t.delta[item*s.t:][:s.t],
		qT: buf[:d], doutT: buf[d : 2*d], p: buf[2*d : 2*d+n], ds: buf[2*d+n : 2*d+2*n],
	}
}

// meet adds what ni queries from i0 on and nj keys from j0 on have to do with each other:
//
//	P = exp(S − LSE), dP = dOut·Vᵀ, dS = P∘(dP − Δ)/√D; dV += Pᵀ·dOut, dK += dSᵀ·Q, dQ += dS·K
func (t *attentionBackwardTask) meet(h *attentionHead, i0, ni, j0, nj int, allVisible bool) {
	d := t.shape.d
	gemm := t.prim.gemm
	p, ds := h.p[:nj*tileQ], h.ds[:nj*tileQ]
	k, v := h.k.data[j0*h.k.stride:], h.v.data[j0*h.v.stride:]
	clear(p)
	gemm(p, tileQ, k, h.k.stride, false, h.qT, tileQ, false, nj, ni, d)
	clear(ds)
	gemm(ds, tileQ, v, h.v.stride, false, h.doutT, tileQ, false, nj, ni, d)
	if !allVisible {
		hide(p, &h.mask, i0, ni, j0, nj)
	}
	t.scoreGradients(h, i0, ni, j0, nj)

	gemm(h.dv.data[j0*h.dv.stride:], h.dv.stride, p, tileQ, false, h.dout.data[i0*h.dout.stride:], h.dout.stride, false, nj, d, ni)
	gemm(h.dk.data[j0*h.dk.stride:], h.dk.stride, ds, tileQ, false, h.q.data[i0*h.q.stride:], h.q.stride, false, nj, d, ni)
	gemm(h.dq.data[i0*h.dq.stride:], h.dq.stride, ds, tileQ, true, k, h.k.stride, false, ni, d, nj)
}

// scoreGradients turns scores into (dropped) probabilities and their gradients into those of the scores. What is hidden is
// selected away, not multiplied: its dP may be anything.
func (t *attentionBackwardTask) scoreGradients(h *attentionHead, i0, ni, j0, nj int) {
	scale := t.shape.scale
	for j := range nj {
		p, ds := h.p[j*tileQ:][:ni], h.ds[j*tileQ:][:ni]
		for i := range p {
			if p[i] == -inf {
				p[i], ds[i] = 0, 0
				continue
			}
			factor := float32(1)
			if t.drop.rate > 0 {
				factor = t.drop.factor(t.shape.t, h.row, h.head, i0+i, j0+j)
			}
			prob := exp(p[i] - h.lse[i0+i])
			ds[i] = prob * (ds[i]*factor - h.delta[i0+i]) * scale
			p[i] = prob * factor
		}
	}
}

func clearRows(m matrix, rows, cols int) {
	for r := range rows {
		clear(m.row(r, cols))
	}
}

func dot(a, b []float32) float32 {
	b = b[:len(a)]
	var sum float32
	for i, v := range a {
		sum += v * b[i]
	}
	return sum
}
