package optim

import (
	"dmtrain/internal/graph"
	"dmtrain/internal/kernels"
	"dmtrain/internal/tensor"
)

// Average is an exponential moving average of parameters. After the k-th step it becomes d·Average + (1 −
// d)·parameters, where d is Decay or, while that is less, (1+k)/(10+k): so that the first parameters, which know
// nothing, are soon forgotten.
type Average struct {
	Decay float64
	Mean  kernels.Buffer // float32, laid out like params.Flat()

	be     kernels.Backend
	params *graph.Params
}

// NewAverage starts an average from the parameters as they are.
func NewAverage(be kernels.Backend, params *graph.Params, decay float64) (*Average, error) {
	mean, err := be.Alloc(tensor.Float32, params.Len())
	if err != nil {
		return nil, err
	}
	be.Copy(mean, params.Flat())
	return &Average{decay, mean, be, params}, nil
}

// Update takes in the parameters after so many steps. It overwrites the gradients, which that step has used.
func (a *Average) Update(taken int) {
	d := min(a.Decay, float64(1+taken)/float64(10+taken))
	n, part := a.params.Len(), a.params.Grads()
	a.be.Scale(kernels.Scale{
		Y:      a.Mean,
		X:      a.Mean,
		N:      n,
		Factor: float32(d),
	})
	a.be.Scale(kernels.Scale{
		Y:      part,
		X:      a.params.Flat(),
		N:      n,
		Factor: float32(1 - d),
	})
	a.be.Add(kernels.Add{
		Y: a.Mean,
		A: a.Mean,
		B: part,
		N: n,
	})
}

// Swap exchanges the parameters and their average: the model then computes with the average, until the next Swap.
// It overwrites the gradients.
func (a *Average) Swap() error {
	kept := a.params.Grads()
	a.be.Copy(kept, a.params.Flat())
	a.be.Copy(a.params.Flat(), a.Mean)
	a.be.Copy(a.Mean, kept)
	return a.params.Round()
}

// Free gives the average's memory back.
func (a *Average) Free() { a.be.Free(a.Mean) }
