package cpu

import "dmtrain/internal/kernels"

// AttentionBackward computes one item per batch row and head: tiles of queries in ascending order, each against the
// keys it sees in ascending order, so every sum has one order.
func (b *Backend) AttentionBackward(a kernels.AttentionBackward) {
	batch, width := a.Mask.Batch, a.H*a.D
	n := batch * a.H * a.T
	t := attentionBackwardTask{
		attention: b.attention(a.T, a.S, a.H, a.D, a.Mask, a.Drop),
		q:         strided(a.Q, batch*a.T, width),
		k:         strided(a.K, batch*a.S, width),
		v:         strided(a.V, batch*a.S, width),
		dq:        strided(a.DQ, batch*a.T, width),
		dk:        strided(a.DK, batch*a.S, width),
		dv:        strided(a.DV, batch*a.S, width),
		out:       strided(a.Out, batch*a.T, width),
		dout:      strided(a.DOut, batch*a.T, width),
		lse:       f32(a.LSE, n),
		delta:     f32(a.Delta, n),
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

	met                []bool    // by tiles of keys: some tile of queries has written their dK and dV
	i0, n              int       // the tile's first query and how many
	begun              bool      // some tile of keys has written the tile's dQ
	qT, doutT          []float32 // D × tileQ: its queries (scaled) and output gradients, turned
	p, ds, factors     []float32 // tileS × tileQ: probabilities, score gradients, edge factors
	tileLSE, tileDelta []float32 // tileQ
}

func (t *attentionBackwardTask) open(w *worker, item int) attentionHead {
	head, row := item%t.h, item/t.h
	tiles := carver(w.scratch((2*t.d + 3*tileS + 2) * tileQ))
	return attentionHead{
		row:       row,
		head:      head,
		mask:      t.mask.row(row),
		q:         t.head(t.q, row*t.t, head),
		k:         t.head(t.k, row*t.s, head),
		v:         t.head(t.v, row*t.s, head),
		dq:        t.head(t.dq, row*t.t, head),
		dk:        t.head(t.dk, row*t.s, head),
		dv:        t.head(t.dv, row*t.s, head),
		out:       t.head(t.out, row*t.t, head),
		dout:      t.head(t.dout, row*t.t, head),
		lse:       t.lse[item*t.t:][:t.t],
		delta:     t.delta[item*t.t:][:t.t],
		met:       w.flags(pieces(t.s, tileS)),
		qT:        tiles.rows(t.d),
		doutT:     tiles.rows(t.d),
		p:         tiles.rows(tileS),
		ds:        tiles.rows(tileS),
		factors:   tiles.rows(tileS),
		tileLSE:   tiles.rows(1),
		tileDelta: tiles.rows(1),
	}
}

func (t *attentionBackwardTask) run(w *worker, item int) {
	h := t.open(w, item)
	for tile := range pieces(t.t, tileQ) {
		i0, i1 := span(tile, tileQ, t.t)
		h.i0, h.n, h.begun = i0, i1-i0, false
		w.bounds.load(&h.mask, i0, i1)
		t.prim.transpose(h.qT, tileQ, h.q.data[i0*h.q.stride:], h.q.stride, h.n, t.d, t.scale)
		t.prim.transpose(h.doutT, tileQ, h.dout.data[i0*h.dout.stride:], h.dout.stride, h.n, t.d, 1)
		for i := i0; i < i1; i++ {
			h.delta[i] = t.prim.dot(h.out.row(i, t.d), h.dout.row(i, t.d))
		}
		copy(h.tileLSE, h.lse[i0:i1])
		copy(h.tileDelta, h.delta[i0:i1])

		for keyTile := range pieces(t.s, tileS) {
			w.blocks.find(&h.mask, tile, keyTile)
			t.meet(w, &h, keyTile)
		}
		if !h.begun {
			clearRows(h.dq.from(i0), h.n, t.d)
		}
	}
	for keyTile, met := range h.met {
		if !met {
			j0, j1 := span(keyTile, tileS, t.s)
			t.clearKeys(&h, j0, j1-j0)
		}
	}
}

// meet adds what the tile's queries and a tile of keys have to do with each other, block by block:
//
//	P = exp(S − LSE), dP = dOut·Vᵀ, dS = P∘(dP − Δ)/√D; dV += Pᵀ·dOut, dK += dSᵀ·Q, dQ += dS·K
//
// Edge factors F make it P∘F in dV, and dP∘F in dS. What is met first is set instead of added to.
func (t *attentionBackwardTask) meet(w *worker, h *attentionHead, keyTile int) {
	found := w.blocks.all()
	if len(found) == 0 {
		return
	}
	j0, j1 := span(keyTile, tileS, t.s)
	keys := j1 - j0
	if !h.begun && queries(found) < h.n {
		clearRows(h.dq.from(h.i0), h.n, t.d)
		h.begun = true
	}
	if whole := found[0]; whole.n < h.n || whole.keys() < keys {
		clear(h.p[:keys*tileQ])
		clear(h.ds[:keys*tileQ])
	}
	for _, b := range found {
		t.block(w, h, j0, b)
	}
	h.begun = true
	add := h.met[keyTile]
	h.met[keyTile] = true
	if whole := found[0]; whole.n == h.n {
		t.keyGradients(h, j0, 0, keys, 0, h.n, add)
		return
	}
	for j := 0; j < keys; j += group {
		first, last := h.n, 0
		for _, b := range found {
			if b.j <= j && j < b.end {
				first, last = min(first, b.i), b.i+b.n
			}
		}
		switch n := min(group, keys-j); {
		case last > 0:
			t.keyGradients(h, j0, j, n, first, last-first, add)
		case !add:
			t.clearKeys(h, j0+j, n)
		}
	}
}

// block computes a block's probabilities and score gradients and its part of dQ.
func (t *attentionBackwardTask) block(w *worker, h *attentionHead, j0 int, b block) {
	at, j, n := b.j*tileQ+b.i, j0+b.j, b.keys()
	p, ds := h.p[at:], h.ds[at:]
	k, v := h.k.data[j*h.k.stride:], h.v.data[j*h.v.stride:]
	t.prim.multiply(p, tileQ, k, h.k.stride, 1, h.qT[b.i:], tileQ, n, b.n, t.d, false)
	if !b.full {
		t.hide(p, &w.bounds, &h.mask, b, j0)
	}
	t.prim.multiply(ds, tileQ, v, h.v.stride, 1, h.doutT[b.i:], tileQ, n, b.n, t.d, false)
	if t.drop.rate > 0 {
		t.edgeFactors(h.factors[at:], h.row, h.head, h.i0, j0, b)
		t.dropEdges(ds, h.factors[at:], b)
	}
	t.prim.scoreGradients(p, ds, n, b.n, h.tileLSE[b.i:], h.tileDelta[b.i:], t.scale)
	if t.drop.rate > 0 {
		t.dropEdges(p, h.factors[at:], b)
	}
	t.prim.multiply(h.dq.data[(h.i0+b.i)*h.dq.stride:], h.dq.stride, ds, 1, tileQ, k, h.k.stride, b.n, t.d, n, h.begun)
}

// queries counts those of disjoint blocks.
func queries(found []block) (n int) {
	for _, b := range found {
		n += b.n
	}
	return n
}

func (t *attentionBackwardTask) clearKeys(h *attentionHead, j, keys int) {
	clearRows(h.dk.from(j), keys, t.d)
	clearRows(h.dv.from(j), keys, t.d)
}

// keyGradients sets dV and dK of keys from j0+j on to what the tile's queries from i on give, or adds it.
func (t *attentionBackwardTask) keyGradients(h *attentionHead, j0, j, keys, i, queries int, add bool) {
	at, row, from := j*tileQ+i, j0+j, h.i0+i
	t.prim.multiply(h.dv.data[row*h.dv.stride:], h.dv.stride, h.p[at:], tileQ, 1,
		h.dout.data[from*h.dout.stride:], h.dout.stride, keys, t.d, queries, add)
	t.prim.multiply(h.dk.data[row*h.dk.stride:], h.dk.stride, h.ds[at:], tileQ, 1,
		h.q.data[from*h.q.stride:], h.q.stride, keys, t.d, queries, add)
}
