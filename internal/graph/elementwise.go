package graph

import (
	"dmtrain/internal/kernels"
	"dmtrain/internal/rng"
)

// Add is a + b.
func (g *Graph) Add(a, b *Value) *Value {
	y := g.value(a.DType, a.Shape...)
	g.record(&add{a: a, b: b, y: y}, []*Value{a, b}, []*Value{y})
	return y
}

type add struct {
	a, b, y *Value

	dy *cell
	da handOn
	db target
}

func (o *add) forward(be kernels.Backend) {
	be.Add(kernels.Add{Y: o.y.buf(), A: o.a.buf(), B: o.b.buf(), N: o.y.Shape.Elems()})
}

func (o *add) differentiate(r *reverse) {
	if o.dy = r.of(o.y); o.dy == nil {
		return
	}
	o.db = r.into(o.b) // before a takes over the memory
	o.da = r.pass(o.y, o.a)
}

func (o *add) backward(be kernels.Backend) {
	if o.dy == nil {
		return
	}
	switch {
	case o.db.add:
		be.Add(kernels.Add{Y: o.db.buf(), A: o.db.buf(), B: o.dy.buf, N: o.dy.elems})
	case o.db.wanted():
		be.Copy(o.db.buf(), o.dy.buf)
	}
	o.da.run(be)
}

// Scale is factor·x.
func (g *Graph) Scale(x *Value, factor float32) *Value {
	y := g.value(x.DType, x.Shape...)
	g.record(&scale{x: x, y: y, factor: factor}, []*Value{x}, []*Value{y})
	return y
}

type scale struct {
	x, y   *Value
	factor float32

	dy *cell
	dx target
}

func (o *scale) forward(be kernels.Backend) {
	be.Scale(kernels.Scale{Y: o.y.buf(), X: o.x.buf(), N: o.y.Shape.Elems(), Factor: o.factor})
}

func (o *scale) differentiate(r *reverse) {
	if o.dy = r.of(o.y); o.dy != nil {
		o.dx = r.assign(o.x)
	}
}

func (o *scale) backward(be kernels.Backend) {
	if o.dy != nil {
		be.Scale(kernels.Scale{Y: o.dx.buf(), X: o.dy.buf, N: o.dy.elems, Factor: o.factor})
	}
}

// Dropout zeroes elements of x (B, T, C) with probability rate and scales the others up; site names the stream.
func (g *Graph) Dropout(x, draw *Value, rate float32, layer, site int) *Value {
	y := g.value(x.DType, x.Shape...)
	o := &dropout{x: x, draw: draw, y: y, rate: rate, purpose: rng.Dropout.At(layer, site)}
	g.record(o, []*Value{x, draw}, []*Value{y})
	return y
}

type dropout struct {
	x, draw, y *Value
	rate       float32
	purpose    rng.Purpose

	dy *cell
	dx target
}

func (o *dropout) forward(be kernels.Backend) { o.run(be, o.y.buf(), o.x.buf()) }

func (o *dropout) run(be kernels.Backend, y, x kernels.Buffer) {
	be.Dropout(kernels.Dropout{Y: y, X: x, Draw: o.draw.buf(), Purpose: o.purpose, Rate: o.rate,
		Rows: o.x.Shape.Rows(), Cols: o.x.Shape.Cols(), Lines: o.x.Shape[1]})
}

func (o *dropout) differentiate(r *reverse) {
	if o.dy = r.of(o.y); o.dy != nil {
		r.keep(o.draw)
		o.dx = r.assign(o.x)
	}
}

func (o *dropout) backward(be kernels.Backend) {
	if o.dy != nil {
		o.run(be, o.dx.buf(), o.dy.buf)
	}
}
