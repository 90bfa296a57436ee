package graph

import (
	"dmtrain/internal/kernels"
)

// Linear is x·W + b for x (…, In), W (In, Out), b (Out).
func (g *Graph) Linear(x, w, b *Value) *Value { return g.linear(linear{x: x, w: w, b: b}) }

// LinearGelu is gelu(x·W + b).
func (g *Graph) LinearGelu(x, w, b *Value) *Value {
	return g.linear(linear{
		x:    x,
		w:    w,
		b:    b,
		gelu: true,
	})
}

// AddLinear is residual + x·W + b.
func (g *Graph) AddLinear(residual, x, w, b *Value) *Value {
	return g.linear(linear{
		x:        x,
		w:        w,
		b:        b,
		residual: residual,
	})
}

// LinearT is x·Wᵀ for W (Out, In): the tied output layer.
func (g *Graph) LinearT(x, w *Value) *Value { return g.linear(linear{x: x, w: w, trans: true}) }

type linear struct {
	x, w, b, residual *Value
	trans, gelu       bool

	pre, y *Value // pre is y before the GELU, and y itself without one
	dy     *cell
	dpre   *cell
	dx     target
	dw, db target
	dres   handOn
}

func (g *Graph) linear(o linear) *Value {
	out := o.w.Shape[1]
	if o.trans {
		out = o.w.Shape[0]
	}
	shape := append(append([]int{}, o.x.Shape[:len(o.x.Shape)-1]...), out)
	o.pre = g.value(o.x.DType, shape...)
	o.y = o.pre
	writes := []*Value{o.pre}
	if o.gelu {
		o.y = g.value(o.x.DType, shape...)
		writes = append(writes, o.y)
	}
	g.record(&o, []*Value{o.x, o.w, o.b, o.residual}, writes)
	return o.y
}

func (o *linear) dims() (rows, in, out int) {
	return o.x.Shape.Rows(), o.x.Shape.Cols(), o.y.Shape.Cols()
}

func (o *linear) forward(be kernels.Backend) {
	rows, in, out := o.dims()
	call := kernels.MatMul{
		C:      o.pre.buf(),
		A:      o.x.buf(),
		B:      o.w.buf(),
		M:      rows,
		N:      out,
		K:      in,
		TransB: o.trans,
	}
	if o.b != nil {
		call.Bias = o.b.buf()
	}
	if o.residual != nil {
		call.Add = o.residual.buf()
	}
	if o.gelu {
		call.Gelu = o.y.buf()
	}
	be.MatMul(call)
}

func (o *linear) differentiate(r *reverse) {
	if o.dy = r.of(o.y); o.dy == nil {
		return
	}
	o.dpre = o.dy
	if o.gelu {
		r.keep(o.pre)
	}
	r.keep(o.x)
	o.dx, o.dw, o.db = r.into(o.x), r.into(o.w), r.into(o.b)
	o.dres = r.pass(o.y, o.residual)
}

func (o *linear) backward(be kernels.Backend) {
	if o.dy == nil {
		return
	}
	rows, in, out := o.dims()
	if o.gelu {
		be.GeluBackward(kernels.GeluBackward{
			DX: o.dpre.buf,
			DY: o.dy.buf,
			X:  o.pre.buf(),
			N:  rows * out,
		})
	}
	if o.dx.wanted() {
		be.MatMul(kernels.MatMul{
			C:      o.dx.buf(),
			A:      o.dpre.buf,
			B:      o.w.buf(),
			M:      rows,
			N:      in,
			K:      out,
			TransB: !o.trans,
			Add:    o.dx.addend(),
		})
	}
	if o.trans {
		be.MatMul(kernels.MatMul{
			C:      o.dw.buf(),
			A:      o.dpre.buf,
			B:      o.x.buf(),
			M:      out,
			N:      in,
			K:      rows,
			TransA: true,
			Add:    o.dw.addend(),
		})
	} else {
		be.MatMul(kernels.MatMul{
			C:      o.dw.buf(),
			A:      o.x.buf(),
			B:      o.dpre.buf,
			M:      in,
			N:      out,
			K:      rows,
			TransA: true,
			Add:    o.dw.addend(),
		})
	}
	if o.db.wanted() {
		be.BiasGrad(kernels.BiasGrad{
			DBias: o.db.buf(),
			DY:    o.dpre.buf,
			Rows:  rows,
			Cols:  out,
		})
	}
	o.dres.run(be)
}
