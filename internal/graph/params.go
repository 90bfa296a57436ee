package graph

import (
	"dmtrain/internal/kernels"
	"dmtrain/internal/tensor"
)

// ParamSpec names one parameter.
type ParamSpec struct {
	Name  string
	Shape tensor.Shape
	Decay bool // subject to weight decay: matrices, not biases or norms
}

// Param is one parameter with its gradient.
type Param struct {
	ParamSpec
	Index  int // place in the order given to NewParams
	offset int // in elements, in the flat buffers
	value  kernels.Buffer
	grad   kernels.Buffer
}

// Value is the parameter's memory.
func (p *Param) Value() kernels.Buffer { return p.value }

// Grad is its gradient's memory; nil in parameters made without gradients.
func (p *Param) Grad() kernels.Buffer { return p.grad }

// Params are a model's parameters in one flat buffer, and their gradients in another: decayed ones first, so that
// an optimiser needs two calls and the global norm one.
type Params struct {
	be      kernels.Backend
	list    []*Param
	byName  map[string]*Param
	flat    kernels.Buffer
	grads   kernels.Buffer
	decayed int // elements at the front that decay
	total   int // elements, padding included
}

// paramAlign pads each parameter to whole 256-byte segments; the padding stays 0.
const paramAlign = 64

// NewParams allocates zeroed parameters, with gradients if train.
func NewParams(be kernels.Backend, specs []ParamSpec, train bool) (*Params, error) {
	ps := &Params{be: be, byName: map[string]*Param{}}
	for i, s := range specs {
		p := &Param{ParamSpec: s, Index: i}
		if ps.byName[s.Name] != nil {
			panic("graph: two parameters of one name")
		}
		ps.list = append(ps.list, p)
		ps.byName[s.Name] = p
	}
	for _, decay := range []bool{true, false} {
		for _, p := range ps.list {
			if p.Decay == decay {
				p.offset = ps.total
				ps.total += (p.Shape.Elems() + paramAlign - 1) / paramAlign * paramAlign
			}
		}
		if decay {
			ps.decayed = ps.total
		}
	}
	var err error
	if ps.flat, err = be.Alloc(tensor.Float32, ps.total); err != nil {
		return nil, err
	}
	if train {
		if ps.grads, err = be.Alloc(tensor.Float32, ps.total); err != nil {
			be.Free(ps.flat)
			return nil, err
		}
	}
	for _, p := range ps.list {
		p.value = ps.Part(ps.flat, p)
		if train {
			p.grad = ps.Part(ps.grads, p)
		}
	}
	return ps, nil
}

// All are the parameters in the order given.
func (ps *Params) All() []*Param { return ps.list }

// Get is the parameter of that name; an unknown name is a programmer's mistake.
func (ps *Params) Get(name string) *Param {
	p := ps.byName[name]
	if p == nil {
		panic("graph: no such parameter")
	}
	return p
}

// Lookup is the parameter of that name, or nil.
func (ps *Params) Lookup(name string) *Param { return ps.byName[name] }

// Count is the number of parameters, padding left out.
func (ps *Params) Count() int {
	n := 0
	for _, p := range ps.list {
		n += p.Shape.Elems()
	}
	return n
}

// Flat, Grads are all parameters and all gradients; the first Decayed of Len elements decay.
func (ps *Params) Flat() kernels.Buffer  { return ps.flat }
func (ps *Params) Grads() kernels.Buffer { return ps.grads }
func (ps *Params) Decayed() int          { return ps.decayed }
func (ps *Params) Len() int              { return ps.total }

// Part is parameter p's part of a flat buffer laid out like these parameters (an optimiser's moments).
func (ps *Params) Part(flat kernels.Buffer, p *Param) kernels.Buffer {
	return ps.be.Slice(flat, tensor.Float32, p.offset*tensor.Float32.Size(), p.Shape.Elems())
}

// ZeroGrad clears the gradients.
func (ps *Params) ZeroGrad() { ps.be.Zero(ps.grads) }

// Free gives the memory back.
func (ps *Params) Free() {
	ps.be.Free(ps.flat)
	if ps.grads != nil {
		ps.be.Free(ps.grads)
	}
}
