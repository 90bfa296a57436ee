// Package optim turns gradients into new parameters: learning-rate schedules, clipping by global norm, AdamW.
package optim

import (
	"math"

	"dmtrain/internal/graph"
	"dmtrain/internal/kernels"
	"dmtrain/internal/tensor"
)

// Options are AdamW's constants.
type Options struct {
	Beta1, Beta2 float32
	Eps          float32
	WeightDecay  float32 // on matrices only
	Clip         float64 // largest global norm of the gradient; 0 = unlimited
}

// AdamW is the optimiser with its state: first and second moments laid out like the parameters, and the steps taken.
type AdamW struct {
	Options
	Moment1, Moment2 kernels.Buffer // float32, laid out like params.Flat()
	Taken            int            // successful steps, for the bias corrections

	be     kernels.Backend
	params *graph.Params
	square kernels.Buffer // float32 (1)
	host   []float32      // square on the host
	boxed  any            // host, made once: handing a slice to a backend as any allocates
	groups [2]group       // decayed, not decayed
}

// group is a run of the flat buffers with one weight decay.
type group struct {
	param, grad, m, v kernels.Buffer
	low               kernels.Buffer // the parameters rounded for passes to read; nil where those read param
	n                 int
	decay             float32
}

// NewAdamW allocates zeroed moments for the parameters.
func NewAdamW(be kernels.Backend, params *graph.Params, o Options) (*AdamW, error) {
	a := &AdamW{
		Options: o,
		be:      be,
		params:  params,
		host:    make([]float32, 1),
	}
	a.boxed = a.host
	for _, b := range []struct {
		buf *kernels.Buffer
		n   int
	}{{&a.Moment1, params.Len()}, {&a.Moment2, params.Len()}, {&a.square, 1}} {
		buf, err := be.Alloc(tensor.Float32, b.n)
		if err != nil {
			return nil, err
		}
		*b.buf = buf
	}
	a.groups = [2]group{a.group(0, params.Decayed(), o.WeightDecay), a.group(params.Decayed(), params.Len(), 0)}
	return a, nil
}

// group views elements from … to−1 of the flat buffers.
func (a *AdamW) group(from, to int, decay float32) group {
	part := func(b kernels.Buffer) kernels.Buffer {
		return a.be.Slice(b, tensor.Float32, from*tensor.Float32.Size(), to-from)
	}
	g := group{part(a.params.Flat()), part(a.params.Grads()), part(a.Moment1), part(a.Moment2), nil, to - from, decay}
	if low := a.params.Low(); low != nil {
		g.low = a.be.Slice(low, low.DType(), from*low.DType().Size(), to-from)
	}
	return g
}

// GradNorm is the gradient's global norm before clipping. It waits for the device; NaN or Inf says that the step
// must be skipped.
func (a *AdamW) GradNorm() (float64, error) {
	a.be.SquaredNorm(kernels.SquaredNorm{Out: a.square, X: a.params.Grads(), N: a.params.Len()})
	if err := a.be.Download(a.boxed, a.square); err != nil {
		return 0, err
	}
	return math.Sqrt(float64(a.host[0])), nil
}

// Step updates the parameters at learning rate lr, clipping a gradient of the given norm.
func (a *AdamW) Step(lr, norm float64) {
	a.Taken++
	scale := 1.0
	if a.Clip > 0 && norm > a.Clip {
		scale = a.Clip / norm
	}
	for _, g := range a.groups {
		a.be.AdamW(kernels.AdamW{
			Param:     g.param,
			Grad:      g.grad,
			M:         g.m,
			V:         g.v,
			Low:       g.low,
			N:         g.n,
			LR:        float32(lr),
			Beta1:     a.Beta1,
			Beta2:     a.Beta2,
			Eps:       a.Eps,
			Decay:     g.decay,
			GradScale: float32(scale),
			Step:      a.Taken,
		})
	}
}

// Free gives the state's memory back.
func (a *AdamW) Free() {
	for _, b := range []kernels.Buffer{a.Moment1, a.Moment2, a.square} {
		a.be.Free(b)
	}
}
