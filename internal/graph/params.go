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
	// how many rows of a matrix there is room for, those past its own being 0 for ever; 0 = no more than its own
	Rows int
}

// room is how many elements the parameter takes, its further rows included.
func (s ParamSpec) room() int {
	if s.Rows <= s.Shape[0] {
		return s.Shape.Elems()
	}
	return s.Rows * s.Shape.Cols()
}

// Param is one parameter with its gradient.
type Param struct {
	ParamSpec
	Index  int // place in the order given to NewParams
	offset int // in elements, in the flat buffers
	value  kernels.Buffer
	work   kernels.Buffer // what passes read: value itself, or its rounded copy
	grad   kernels.Buffer
	taller *Param // with all the rows there is room for; nil where that is no more
}

// Taller is the parameter with all the rows there is room for: for products that go faster so. Those past its own
// are 0, and stay so as long as their gradients are.
func (p *Param) Taller() *Param {
	if p.taller == nil {
		return p
	}
	return p.taller
}

// Value is the parameter's float32 memory. Where passes read a rounded copy they see what is
// uploaded there after Params.Round; Params.Set does both.
func (p *Param) Value() kernels.Buffer { return p.value }

// Grad is its gradient's memory; nil in parameters made without gradients.
func (p *Param) Grad() kernels.Buffer { return p.grad }

// Params are a model's parameters in one flat buffer, and their gradients in another: decayed ones first, so that
// an optimiser needs two calls and the global norm one.
type Params struct {
	be      kernels.Backend
	dtype   tensor.DType
	list    []*Param
	byName  map[string]*Param
	flat    kernels.Buffer
	low     kernels.Buffer // nil where passes read flat
	grads   kernels.Buffer
	decayed int // elements at the front that decay
	total   int // elements, padding included
}

// paramAlign pads each parameter to whole 256-byte segments; the padding stays 0.
const paramAlign = 64

// NewParams allocates zeroed parameters, with gradients if train. Their type, Float32 or BFloat16, is what every
// pass over them computes in; see the package's documentation.
func NewParams(be kernels.Backend, specs []ParamSpec, t tensor.DType, train bool) (*Params, error) {
	ps := &Params{be: be, dtype: t, byName: map[string]*Param{}}
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
				ps.total += (p.room() + paramAlign - 1) / paramAlign * paramAlign
			}
		}
		if decay {
			ps.decayed = ps.total
		}
	}
	if err := ps.alloc(train); err != nil {
		ps.Free()
		return nil, err
	}
	return ps, nil
}

func (ps *Params) alloc(train bool) (err error) {
	if ps.flat, err = ps.be.Alloc(tensor.Float32, ps.total); err != nil {
		return err
	}
	if ps.dtype != tensor.Float32 {
		if ps.low, err = ps.be.Alloc(ps.dtype, ps.total); err != nil {
			return err
		}
	}
	if train {
		if ps.grads, err = ps.be.Alloc(tensor.Float32, ps.total); err != nil {
			return err
		}
	}
	for _, p := range ps.list {
		ps.slice(p, train)
		if p.Rows > p.Shape[0] {
			p.taller = &Param{ParamSpec: p.ParamSpec, Index: p.Index, offset: p.offset}
			p.taller.Shape = tensor.Shape{p.Rows, p.Shape.Cols()}
			ps.slice(p.taller, train)
		}
	}
	return nil
}

// slice gives a parameter its places in the flat buffers.
func (ps *Params) slice(p *Param, train bool) {
	p.value = ps.Part(ps.flat, p)
	p.work = p.value
	if ps.low != nil {
		p.work = ps.be.Slice(ps.low, ps.dtype, p.offset*ps.dtype.Size(), p.Shape.Elems())
	}
	if train {
		p.grad = ps.Part(ps.grads, p)
	}
}

// DType is the type that passes over these parameters compute in.
func (ps *Params) DType() tensor.DType { return ps.dtype }

// Set gives a parameter its values.
func (ps *Params) Set(p *Param, values []float32) {
	ps.be.Upload(p.value, values)
	if ps.low != nil {
		ps.be.Upload(p.work, values)
	}
}

// Round renews the rounded copy, if there is one, after Flat was written to. It goes through the host, so it is for
// what happens between steps; an optimiser rounds what it updates itself.
func (ps *Params) Round() error {
	if ps.low == nil {
		return nil
	}
	for _, p := range ps.list {
		values := make([]float32, p.Shape.Elems())
		if err := ps.be.Download(values, p.value); err != nil {
			return err
		}
		ps.be.Upload(p.work, values)
	}
	return nil
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

// Flat, Grads are all parameters and all gradients, float32; the first Decayed of Len elements decay. Low is the
// rounded copy of Flat that passes read, nil where they read Flat itself.
func (ps *Params) Flat() kernels.Buffer  { return ps.flat }
func (ps *Params) Low() kernels.Buffer   { return ps.low }
func (ps *Params) Grads() kernels.Buffer { return ps.grads }
func (ps *Params) Decayed() int          { return ps.decayed }
func (ps *Params) Len() int              { return ps.total }

// TrainingBytes is the memory of parameters in training: values, gradients, AdamW's two moments and the rounded
// copy, if there is one.
func (ps *Params) TrainingBytes() int {
	bytes := 4 * tensor.Float32.Size()
	if ps.low != nil {
		bytes += ps.dtype.Size()
	}
	return bytes * ps.total
}

// Part is parameter p's part of a flat buffer laid out like these parameters (an optimiser's moments).
func (ps *Params) Part(flat kernels.Buffer, p *Param) kernels.Buffer {
	return ps.be.Slice(flat, tensor.Float32, p.offset*tensor.Float32.Size(), p.Shape.Elems())
}

// ZeroGrad clears the gradients.
func (ps *Params) ZeroGrad() { ps.be.Zero(ps.grads) }

// Free gives the memory back.
func (ps *Params) Free() {
	for _, b := range []kernels.Buffer{ps.flat, ps.low, ps.grads} {
		if b != nil {
			ps.be.Free(b)
		}
	}
}
