package graph

import (
	"dmtrain/internal/kernels"
	"dmtrain/internal/tensor"
)

// Graph is a recording in progress.
type Graph struct {
	be    kernels.Backend
	train bool
	nodes []node
	cells []*cell  // planned into the arena
	fixed []*Value // inputs and state: allocated outside the arena
}

// node is one operation with the values its forward reads and writes.
type node struct {
	op     op
	reads  []*Value
	writes []*Value
}

// op is one recorded operation.
type op interface {
	forward(be kernels.Backend)
	// differentiate runs once, in reverse order, at compile time: it claims the gradients of the operation's inputs and
	// keeps what backward will read.
	differentiate(r *reverse)
	backward(be kernels.Backend)
}

// New starts recording for a backend. With train, Compile derives the backward pass.
func New(be kernels.Backend, train bool) *Graph { return &Graph{be: be, train: train} }

// Training reports whether the recording will have a backward pass.
func (g *Graph) Training() bool { return g.train }

// Value is a tensor of the recording.
type Value struct {
	DType tensor.DType
	Shape tensor.Shape

	cell  *cell
	grad  *cell // of the gradient; set while differentiating
	param *Param
	keep  bool // readable after Forward
	fixed bool
	diff  bool // depends on a parameter
}

// Buffer is the value's memory, for uploads and downloads; valid after Compile.
func (v *Value) Buffer() kernels.Buffer { return v.buf() }

// Keep makes v readable after Forward (and Backward) and returns it.
func (v *Value) Keep() *Value { v.keep = true; return v }

func (v *Value) buf() kernels.Buffer {
	if v.param != nil {
		return v.param.work
	}
	return v.cell.buf
}

// cell is a piece of memory with its lifetime.
type cell struct {
	dtype       tensor.DType
	elems       int
	first, last int // times of first and last use; first < 0: never used
	buf         kernels.Buffer
}

func (c *cell) bytes() int { return c.elems * c.dtype.Size() }

// touch extends the lifetime to time t.
func (c *cell) touch(t int) {
	if c.first < 0 || t < c.first {
		c.first = t
	}
	if t > c.last {
		c.last = t
	}
}

// Input is a value uploaded before each Forward.
func (g *Graph) Input(t tensor.DType, shape ...int) *Value { return g.outside(t, shape) }

// State is a value that persists from one Forward to the next, zero at first.
func (g *Graph) State(t tensor.DType, shape ...int) *Value { return g.outside(t, shape) }

func (g *Graph) outside(t tensor.DType, shape tensor.Shape) *Value {
	v := &Value{DType: t, Shape: shape, fixed: true, cell: &cell{dtype: t, elems: shape.Elems(), first: -1}}
	g.fixed = append(g.fixed, v)
	return v
}

// Param brings a parameter into the recording.
func (g *Graph) Param(p *Param) *Value {
	return &Value{DType: p.work.DType(), Shape: p.Shape, param: p, diff: true}
}

// value makes room for an operation's output.
func (g *Graph) value(t tensor.DType, shape ...int) *Value {
	c := &cell{dtype: t, elems: tensor.Shape(shape).Elems(), first: -1}
	g.cells = append(g.cells, c)
	return &Value{DType: t, Shape: shape, cell: c}
}

// record appends a node; outputs depend on a parameter if an input does.
func (g *Graph) record(o op, reads, writes []*Value) {
	diff := false
	for _, v := range reads {
		if v != nil && v.diff {
			diff = true
		}
	}
	for _, v := range writes {
		v.diff = diff && v.DType != tensor.Int32 && v.DType != tensor.Uint8
	}
	g.nodes = append(g.nodes, node{o, reads, writes})
}
