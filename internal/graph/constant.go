package graph

import (
	"dmtrain/internal/kernels"
	"dmtrain/internal/tensor"
)

// Constant brings memory that its owner keeps, and no pass writes, into the recording: a table of sinusoids, say.
// It has no gradient.
func (g *Graph) Constant(b kernels.Buffer, shape ...int) *Value {
	if b.Len() != tensor.Shape(shape).Elems() {
		panic("graph: a constant of another shape")
	}
	return &Value{DType: b.DType(), Shape: shape, cell: &cell{dtype: b.DType(), elems: b.Len(), buf: b}}
}

// View is x in another shape of as many elements, in the same memory. It passes no gradient, so training can't use it.
func (g *Graph) View(x *Value, shape ...int) *Value {
	if g.train {
		panic("graph: a view has no gradient")
	}
	if x.Shape.Elems() != tensor.Shape(shape).Elems() {
		panic("graph: a view of another size")
	}
	v := *x
	v.Shape = shape
	return &v
}
