package model

import (
	"fmt"
	"math"

	"dmtrain/internal/graph"
	"dmtrain/internal/kernels"
)

// Model is a Transformer of pre-norm blocks with tanh GELU and an output tied to the token embedding.
//
// Without an encoder it is GPT-2 (Radford et al. 2019): learned positions; names and layouts are those of a Hugging
// Face checkpoint, where a linear layer's weight is (in, out).
//
// With one it is the Transformer of Vaswani et al. 2017, norms before the layers instead of after: sinusoidal
// positions, and one token embedding for source, target and output, scaled by √C where it is read. A decoder block then
// has between its two halves ln_x and cross (c_q, c_kv, c_proj), which attends to the source.
type Model struct {
	Config
	Params *graph.Params

	be        kernels.Backend
	sinusoids kernels.Buffer // (Context, C); nil where positions are learned
}

// New makes a model with zeroed parameters; with train they have gradients.
func New(be kernels.Backend, c Config, train bool) (*Model, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	params, err := graph.NewParams(be, c.specs(), c.Precision, train)
	if err != nil {
		return nil, fmt.Errorf("parameters: %w", err)
	}
	m := &Model{Config: c, Params: params, be: be}
	if !c.Encoder {
		return m, nil
	}
	if m.sinusoids, err = be.Alloc(c.Precision, c.Context*c.Dim); err != nil {
		params.Free()
		return nil, fmt.Errorf("positions: %w", err)
	}
	be.Upload(m.sinusoids, sinusoids(c.Context, c.Dim))
	return m, nil
}

// Free gives the parameters' memory back.
func (m *Model) Free() {
	m.Params.Free()
	if m.sinusoids != nil {
		m.be.Free(m.sinusoids)
	}
}

// sinusoids are n positions of width c: columns 2i and 2i+1 of position p hold sine and cosine of p/10000^(2i/c)
// (Vaswani et al. 2017, section 3.5).
func sinusoids(n, c int) []float32 {
	table := make([]float32, n*c)
	slowness := make([]float64, c) // of the column's wave
	for i := range slowness {
		slowness[i] = math.Pow(10000, float64(i)/float64(c))
	}
	for p := range n {
		for i := 0; i < c; i += 2 {
			sin, cos := math.Sincos(float64(p) / slowness[i])
			table[p*c+i], table[p*c+i+1] = float32(sin), float32(cos)
		}
	}
	return table
}
