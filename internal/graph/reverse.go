package graph

import "dmtrain/internal/kernels"

// reverse is the walk that derives the backward pass: at each node, where gradients go and which forward values
// must still be there.
type reverse struct {
	g    *Graph
	time int
}

// keep marks forward values that this node's backward reads again.
func (r *reverse) keep(vs ...*Value) {
	for _, v := range vs {
		if v != nil && v.cell != nil {
			v.cell.touch(r.time)
		}
	}
}

// of is the finished gradient of an output; nil if nothing depends on it.
func (r *reverse) of(y *Value) *cell {
	if y.grad != nil {
		y.grad.touch(r.time)
	}
	return y.grad
}

// target is where a node's backward puts one input's gradient.
type target struct {
	param *Param
	cell  *cell
	add   bool // another consumer was there first: add instead of assigning
}

// wanted reports whether the gradient is needed at all.
func (t target) wanted() bool { return t.param != nil || t.cell != nil }

func (t target) buf() kernels.Buffer {
	if t.param != nil {
		return t.param.grad
	}
	return t.cell.buf
}

// addend is the buffer to pass as a kernel's Add: the gradient so far, or nil.
func (t target) addend() kernels.Buffer {
	if t.add || t.param != nil {
		return t.buf()
	}
	return nil
}

// into claims a place for a contribution to x's gradient.
func (r *reverse) into(x *Value) target {
	switch {
	case x == nil || !x.diff:
		return target{}
	case x.param != nil:
		return target{param: x.param}
	case x.grad != nil:
		x.grad.touch(r.time)
		return target{cell: x.grad, add: true}
	}
	x.grad = &cell{dtype: x.DType, elems: x.Shape.Elems(), first: -1}
	x.grad.touch(r.time)
	r.g.cells = append(r.g.cells, x.grad)
	return target{cell: x.grad}
}

// assign is into for an operation that can only assign: x must have no other consumer.
func (r *reverse) assign(x *Value) target {
	t := r.into(x)
	if t.add || t.param != nil {
		panic("graph: this operation's input may have no other consumer")
	}
	return t
}

// handOn is a gradient that passes through a sum unchanged.
type handOn struct {
	from, to *cell // to is nil if from's memory simply became the addend's gradient
}

// pass hands y's gradient on to x. When x has none yet it takes over y's memory, which is free to: this node is the
// last to read it as y's gradient.
func (r *reverse) pass(y, x *Value) handOn {
	if x == nil || !x.diff || y.grad == nil {
		return handOn{}
	}
	if x.param != nil {
		panic("graph: a parameter can't be an addend")
	}
	if x.grad == nil {
		x.grad = y.grad
		return handOn{}
	}
	x.grad.touch(r.time)
	return handOn{from: y.grad, to: x.grad}
}

func (h handOn) run(be kernels.Backend) {
	if h.to != nil {
		be.Add(kernels.Add{
			Y: h.to.buf,
			A: h.to.buf,
			B: h.from.buf,
			N: h.to.elems,
		})
	}
}
