package graph

import (
	"dmtrain/internal/kernels"
)

// PutRows copies columns of src's rows (N) into rows at[n] of state; a negative index skips. It fills key–value
// caches and has no gradient.
func (g *Graph) PutRows(state *Value, src Columns, at *Value) {
	o := &putRows{state, src, at}
	g.record(o, []*Value{src.Of, at, state}, nil)
}

type putRows struct {
	state *Value
	src   Columns
	at    *Value
}

func (o *putRows) forward(be kernels.Backend) {
	c := o.state.Shape.Cols()
	be.PutRows(kernels.PutRows{
		Dst: kernels.Dense(o.state.buf(), c),
		Src: o.src.strided(o.src.Of.buf()),
		At:  o.at.buf(),
		N:   o.at.Shape.Elems(),
		C:   c,
	})
}

func (o *putRows) differentiate(*reverse) {
	panic("graph: a key–value cache has no gradient")
}
func (o *putRows) backward(kernels.Backend) {}
