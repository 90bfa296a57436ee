package model

import (
	"fmt"

	"dmtrain/internal/tensor"
)

// Config is the shape of a model.
type Config struct {
	Vocab   int // V, tokens the model knows
	Context int // positions it has embeddings for
	Layers  int
	Heads   int
	Dim     int // C, divisible by Heads

	LearnedFill bool // hidden tokens are filled with a trained vector, not with 0

	Precision tensor.DType // what passes compute in, Float32 or BFloat16; see package graph
}

// Check tells what is impossible about the shape.
func (c Config) Check() error {
	for _, d := range []struct {
		name string
		v    int
	}{{"vocabulary", c.Vocab}, {"context", c.Context}, {"model.layers", c.Layers}, {"model.heads", c.Heads}, {"model.dim", c.Dim}} {
		if d.v < 1 {
			return fmt.Errorf("%s: %d is not at least 1", d.name, d.v)
		}
	}
	if c.Dim%c.Heads != 0 {
		return fmt.Errorf("model.dim: %d is not divisible by model.heads %d", c.Dim, c.Heads)
	}
	return nil
}

// FlopsPerToken is the usual estimate of a training step's arithmetic: 6 · parameters + 12 · layers · width · T for full attention
// (Chowdhery et al. 2022, appendix B), the attention term halved for a causal mask.
func (c Config) FlopsPerToken(params, t int) float64 {
	return 6*float64(params) + 6*float64(c.Layers)*float64(c.Dim)*float64(t)
}
