package model

import (
	"fmt"

	"dmtrain/internal/mask"
	"dmtrain/internal/tensor"
)

// Config is the shape of a model.
type Config struct {
	Vocab   int // V, tokens the model knows
	Context int // positions it has: the longest text, source and target alike
	Layers  int // of each stack
	Heads   int
	Dim     int // C, divisible by Heads

	LearnedFill bool // hidden tokens are filled with a trained vector, not with 0

	Encoder       bool // a second stack reads a source, to which the decoder's blocks attend
	CausalEncoder bool // no source position sees a later one, as translating before the source has ended needs

	Precision tensor.DType // what passes compute in, Float32 or BFloat16; see package graph
}

// Check tells what is impossible about the shape.
func (c Config) Check() error {
	for _, d := range []struct {
		name string
		v    int
	}{
		{"vocabulary", c.Vocab},
		{"context", c.Context},
		{"model.layers", c.Layers},
		{"model.heads", c.Heads},
		{"model.dim", c.Dim},
	} {
		if d.v < 1 {
			return fmt.Errorf("%s: %d is not at least 1", d.name, d.v)
		}
	}
	if c.Dim%c.Heads != 0 {
		return fmt.Errorf("model.dim: %d is not divisible by model.heads %d", c.Dim, c.Heads)
	}
	if c.Encoder && c.Dim%2 != 0 {
		return fmt.Errorf("model.dim: %d is odd, but sinusoidal positions come in pairs", c.Dim)
	}
	return nil
}

// MaskRun is what masks have to know where nothing is trained: in evaluation and decoding.
func (c Config) MaskRun() mask.Run {
	return mask.Run{SeqLen: c.Context, Steps: 1, Vocab: c.Vocab, CausalEncoder: c.CausalEncoder}
}

// fits refuses rows that are longer than the model's positions.
func (c Config) fits(lengths ...int) error {
	for _, n := range lengths {
		if n > c.Context {
			return fmt.Errorf("%d tokens a row, but the model has %d positions", n, c.Context)
		}
	}
	return nil
}

// Flops estimates a training step's arithmetic for one row of s source and t target tokens (s is 0 without an encoder)
// as Chowdhery et al. do (2022, appendix B): 6 for each weight and token that meets it, and 12 · width for each layer
// and pair of positions, halved where attention is causal. A decoder's weights are all its parameters; those of an
// encoder–decoder are its matrices' alone.
func (c Config) Flops(s, t int) float64 {
	layers, width, source, target := float64(c.Layers), float64(c.Dim), float64(s), float64(t)
	weights, pairs := float64(c.paramCount())*target, target*target/2
	if c.Encoder {
		// A layer has 12·C² weights in the encoder, 14·C² in the decoder's own and 2·C² for keys and values of the
		// source.
		weights = 14*layers*width*width*(source+target) + float64(c.Vocab)*width*target
		encoder := source * source
		if c.CausalEncoder {
			encoder /= 2
		}
		pairs += encoder + source*target
	}
	return 6*weights + 12*layers*width*pairs
}
