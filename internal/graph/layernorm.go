package graph

import (
	"dmtrain/internal/kernels"
	"dmtrain/internal/tensor"
)

// LayerNorm normalises the rows of x (…, C) with weight and bias (C).
func (g *Graph) LayerNorm(x, weight, bias *Value, eps float32) *Value {
	rows := x.Shape.Rows()
	o := &layerNorm{x: x, weight: weight, bias: bias, eps: eps, y: g.value(x.DType, x.Shape...),
		mean: g.value(tensor.Float32, rows), rstd: g.value(tensor.Float32, rows)}
	g.record(o, []*Value{x, weight, bias}, []*Value{o.y, o.mean, o.rstd})
	return o.y
}

type layerNorm struct {
	x, weight, bias, y, mean, rstd *Value
	eps                            float32

	dy                 *cell
	dx, dweight, dbias target
}

func (o *layerNorm) forward(be kernels.Backend) {
	be.LayerNorm(kernels.LayerNorm{Y: o.y.buf(), X: o.x.buf(), Weight: o.weight.buf(), Bias: o.bias.buf(),
		Mean: o.mean.buf(), RStd: o.rstd.buf(), Rows: o.x.Shape.Rows(), Cols: o.x.Shape.Cols(), Eps: o.eps})
}

func (o *layerNorm) differentiate(r *reverse) {
	if o.dy = r.of(o.y); o.dy == nil {
		return
	}
	r.keep(o.x, o.mean, o.rstd)
	o.dx, o.dweight, o.dbias = r.into(o.x), r.into(o.weight), r.into(o.bias)
}

func (o *layerNorm) backward(be kernels.Backend) {
	if o.dy == nil {
		return
	}
	be.LayerNormBackward(kernels.LayerNormBackward{DX: o.dx.buf(), DWeight: o.dweight.buf(), DBias: o.dbias.buf(),
		DY: o.dy.buf, X: o.x.buf(), Weight: o.weight.buf(), Mean: o.mean.buf(), RStd: o.rstd.buf(), Add: o.dx.addend(),
		Rows: o.x.Shape.Rows(), Cols: o.x.Shape.Cols()})
}
