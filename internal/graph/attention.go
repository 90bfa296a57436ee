package graph

import (
	"dmtrain/internal/kernels"
	"dmtrain/internal/tensor"
)

// Columns is a band of a value's columns, starting at Offset: queries, keys or values inside a packed projection.
type Columns struct {
	Of     *Value
	Offset int
}

// EdgeDrop is the Bernoulli dropping of attention edges; Rate 0 drops none.
type EdgeDrop struct {
	Rate  float32
	Layer int
	Draw  *Value
}

// Attention attends q's rows (B, T, …) to k's and v's (B, S, …) under m, with heads of width dim/heads. The result
// is (B, T, dim).
func (g *Graph) Attention(q, k, v Columns, m *Mask, heads, dim int, drop EdgeDrop) *Value {
	b, t := q.Of.Shape[0], q.Of.Shape[1]
	o := &attention{
		q:     q,
		k:     k,
		v:     v,
		mask:  m,
		heads: heads,
		dim:   dim,
		drop:  drop,
		y:     g.value(q.Of.DType, b, t, dim),
		lse:   g.value(tensor.Float32, b, heads, t),
	}
	if g.train {
		o.delta = g.value(tensor.Float32, b, heads, t)
	}
	reads := append(m.vectors(), m.tables, q.Of, k.Of, v.Of, drop.Draw)
	g.record(o, reads, []*Value{o.y, o.lse})
	return o.y
}

type attention struct {
	q, k, v       Columns
	mask          *Mask
	heads, dim    int
	drop          EdgeDrop
	y, lse, delta *Value

	dy         *cell
	dq, dk, dv *cell
}

func (c Columns) strided(buf kernels.Buffer) kernels.Strided {
	return kernels.Strided{Buf: buf, Offset: c.Offset, Stride: c.Of.Shape.Cols()}
}

func (o *attention) call() kernels.AttentionForward {
	call := kernels.AttentionForward{
		T:    o.q.Of.Shape[1],
		S:    o.k.Of.Shape[1],
		H:    o.heads,
		D:    o.dim / o.heads,
		Q:    o.q.strided(o.q.Of.buf()),
		K:    o.k.strided(o.k.Of.buf()),
		V:    o.v.strided(o.v.Of.buf()),
		Out:  kernels.Dense(o.y.buf(), o.dim),
		LSE:  o.lse.buf(),
		Mask: o.mask.call(),
	}
	if o.drop.Rate > 0 {
		call.Drop = kernels.EdgeDrop{Rate: o.drop.Rate, Layer: o.drop.Layer, Draw: o.drop.Draw.buf()}
	}
	return call
}

func (o *attention) forward(be kernels.Backend) { be.Attention(o.call()) }

func (o *attention) differentiate(r *reverse) {
	if o.dy = r.of(o.y); o.dy == nil {
		return
	}
	r.keep(o.mask.vectors()...)
	r.keep(o.mask.tables, o.q.Of, o.k.Of, o.v.Of, o.y, o.lse, o.delta, o.drop.Draw)
	o.dq = r.assign(o.q.Of).cell
	if o.dk = o.dq; o.k.Of != o.q.Of {
		o.dk = r.assign(o.k.Of).cell
	}
	switch o.v.Of {
	case o.q.Of:
		o.dv = o.dq
	case o.k.Of:
		o.dv = o.dk
	default:
		o.dv = r.assign(o.v.Of).cell
	}
}

func (o *attention) backward(be kernels.Backend) {
	if o.dy == nil {
		return
	}
	f := o.call()
	be.AttentionBackward(kernels.AttentionBackward{
		T:     f.T,
		S:     f.S,
		H:     f.H,
		D:     f.D,
		DQ:    o.q.strided(o.dq.buf),
		DK:    o.k.strided(o.dk.buf),
		DV:    o.v.strided(o.dv.buf),
		Q:     f.Q,
		K:     f.K,
		V:     f.V,
		Out:   f.Out,
		DOut:  kernels.Dense(o.dy.buf, o.dim),
		LSE:   f.LSE,
		Delta: o.delta.buf(),
		Mask:  f.Mask,
		Drop:  f.Drop,
	})
}
