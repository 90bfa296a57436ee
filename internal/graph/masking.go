package graph

import (
	"dmtrain/internal/kernels"
	"dmtrain/internal/tensor"
)

// Bernoulli draws which tokens are hidden: 1 with probability rate[b,t]. Rates and the result are (B, T).
func (g *Graph) Bernoulli(rate, draw *Value) *Value {
	y := g.value(tensor.Uint8, rate.Shape...)
	g.record(&bernoulli{rate, draw, y}, []*Value{rate, draw}, []*Value{y})
	return y
}

type bernoulli struct{ rate, draw, y *Value }

func (o *bernoulli) forward(be kernels.Backend) {
	be.Bernoulli(kernels.Bernoulli{
		Hidden: o.y.buf(),
		Rate:   o.rate.buf(),
		Draw:   o.draw.buf(),
		B:      o.rate.Shape[0],
		T:      o.rate.Shape[1],
	})
}

func (o *bernoulli) differentiate(*reverse)   {}
func (o *bernoulli) backward(kernels.Backend) {}

// MaskedFill replaces hidden rows of x (…, C) by value (C), or by 0 where value is nil.
func (g *Graph) MaskedFill(x, hidden, value *Value) *Value {
	y := g.value(x.DType, x.Shape...)
	g.record(&maskedFill{
		x:      x,
		hidden: hidden,
		value:  value,
		y:      y,
	}, []*Value{x, hidden, value}, []*Value{y})
	return y
}

type maskedFill struct {
	x, hidden, value, y *Value

	dy         *cell
	dx, dvalue target
}

func (o *maskedFill) forward(be kernels.Backend) {
	call := kernels.MaskedFill{
		Y:      o.y.buf(),
		X:      o.x.buf(),
		Hidden: o.hidden.buf(),
		Rows:   o.x.Shape.Rows(),
		Cols:   o.x.Shape.Cols(),
	}
	if o.value != nil {
		call.Value = o.value.buf()
	}
	be.MaskedFill(call)
}

func (o *maskedFill) differentiate(r *reverse) {
	if o.dy = r.of(o.y); o.dy == nil {
		return
	}
	r.keep(o.hidden)
	o.dx = r.assign(o.x)
	o.dvalue = r.into(o.value)
}

func (o *maskedFill) backward(be kernels.Backend) {
	if o.dy == nil {
		return
	}
	call := kernels.MaskedFillBackward{
		DX:     o.dx.buf(),
		DY:     o.dy.buf,
		Hidden: o.hidden.buf(),
		Rows:   o.x.Shape.Rows(),
		Cols:   o.x.Shape.Cols(),
	}
	if o.dvalue.wanted() {
		call.DValue = o.dvalue.buf()
	}
	be.MaskedFillBackward(call)
}

// Mask is an interval mask of the recording: its vectors are inputs.
type Mask struct {
	Pos, Lo, Hi *Value // (B, S), (B, T), (B, T)
	Tag, A, B   *Value // (B, T), (B, S), (B, S); all nil without a second interval
	tables      *Value
}

// Mask declares a mask for B rows of T queries and S keys, with or without a second interval, and prepares it in
// every Forward.
func (g *Graph) Mask(b, t, s int, second bool) *Mask {
	m := &Mask{Pos: g.Input(tensor.Int32, b, s), Lo: g.Input(tensor.Int32, b, t), Hi: g.Input(tensor.Int32, b, t)}
	if second {
		m.Tag, m.A, m.B = g.Input(tensor.Int32, b, t), g.Input(tensor.Int32, b, s), g.Input(tensor.Int32, b, s)
	}
	m.tables = g.value(tensor.Int32, g.be.MaskTablesLen(b, t, s))
	g.record(&prepareMask{m}, m.vectors(), []*Value{m.tables})
	return m
}

func (m *Mask) vectors() []*Value { return []*Value{m.Pos, m.Lo, m.Hi, m.Tag, m.A, m.B} }

// call is the mask as kernels take it.
func (m *Mask) call() kernels.Mask {
	c := kernels.Mask{
		Batch:  m.Lo.Shape[0],
		T:      m.Lo.Shape[1],
		S:      m.Pos.Shape[1],
		Pos:    m.Pos.buf(),
		Lo:     m.Lo.buf(),
		Hi:     m.Hi.buf(),
		Tables: m.tables.buf(),
	}
	if m.Tag != nil {
		c.Tag, c.A, c.B = m.Tag.buf(), m.A.buf(), m.B.buf()
	}
	return c
}

type prepareMask struct{ m *Mask }

func (o *prepareMask) forward(be kernels.Backend) { be.PrepareMask(o.m.call()) }
func (o *prepareMask) differentiate(*reverse)     {}
func (o *prepareMask) backward(kernels.Backend)   {}
