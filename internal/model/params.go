package model

import (
	"fmt"

	"dmtrain/internal/graph"
	"dmtrain/internal/tensor"
)

// FillParam is the name of the trained fill vector, the only parameter a GPT-2 checkpoint doesn't have.
const FillParam = "mask_fill.weight"

// positionParam is the name of a decoder's learned positions.
const positionParam = "transformer.wpe.weight"

// embeddingParam is the name of the token embedding, which is the output's weight too.
func (c Config) embeddingParam() string {
	if c.Encoder {
		return "shared.weight"
	}
	return "transformer.wte.weight"
}

// stack is a sequence of blocks. Its random streams are told apart by layer: the encoder's come first, then the
// decoder's, then the decoder's attention to the source, then the embeddings.
type stack struct {
	name  string // of its parameters
	layer int    // of the first block's random streams
	site  int    // of its embedding's dropout
	cross bool   // its blocks attend to the source
}

// encoder reads the source.
func (c Config) encoder() stack { return stack{name: "encoder"} }

// decoder reads the text that is predicted.
func (c Config) decoder() stack {
	if c.Encoder {
		return stack{name: "decoder", layer: c.Layers, site: 1, cross: true}
	}
	return stack{name: "transformer"}
}

func (c Config) crossLayer(block int) int { return 2*c.Layers + block }

func (c Config) embedLayer() int {
	if c.Encoder {
		return 3 * c.Layers
	}
	return c.Layers
}

// block is what the names of a block's parameters begin with.
func (s stack) block(i int) string { return fmt.Sprintf("%s.h.%d.", s.name, i) }

// norm is the name of the norm after the last block.
func (s stack) norm() string { return s.name + ".ln_f" }

// specs are all parameters, in the order of their indices.
func (c Config) specs() []graph.ParamSpec {
	s := paramSpecs{Config: c}
	s.matrix(c.embeddingParam(), c.Vocab, c.Dim)
	s.list[0].Rows = c.outputRows()
	if c.Encoder {
		s.stack(c.encoder())
	} else {
		s.matrix(positionParam, c.Context, c.Dim)
	}
	s.stack(c.decoder())
	if c.LearnedFill {
		s.vector(FillParam, c.Dim)
	}
	return s.list
}

// paramCount is how many numbers the parameters have.
func (c Config) paramCount() int {
	n := 0
	for _, p := range c.specs() {
		n += p.Shape.Elems()
	}
	return n
}

// vectorBytes is what a row of logits is a multiple of where bfloat16 passes compute it: tensor cores and their
// libraries take rows that start anywhere several times as long.
const vectorBytes = 16

// outputRows is how many rows the token embedding has room for.
func (c Config) outputRows() int {
	if c.Precision != tensor.BFloat16 {
		return c.Vocab
	}
	n := vectorBytes / c.Precision.Size()
	return (c.Vocab + n - 1) / n * n
}

// paramSpecs collects a model's parameters layer by layer.
type paramSpecs struct {
	Config
	list []graph.ParamSpec
}

func (s *paramSpecs) stack(k stack) {
	for i := range s.Layers {
		pre := k.block(i)
		s.norm(pre + "ln_1")
		s.linear(pre+"attn.c_attn", s.Dim, 3*s.Dim)
		s.linear(pre+"attn.c_proj", s.Dim, s.Dim)
		if k.cross {
			s.norm(pre + "ln_x")
			s.linear(pre+"cross.c_q", s.Dim, s.Dim)
			s.linear(pre+"cross.c_kv", s.Dim, 2*s.Dim)
			s.linear(pre+"cross.c_proj", s.Dim, s.Dim)
		}
		s.norm(pre + "ln_2")
		s.linear(pre+"mlp.c_fc", s.Dim, 4*s.Dim)
		s.linear(pre+"mlp.c_proj", 4*s.Dim, s.Dim)
	}
	s.norm(k.norm())
}

func (s *paramSpecs) matrix(name string, rows, cols int) {
	s.list = append(s.list, graph.ParamSpec{Name: name, Shape: tensor.Shape{rows, cols}, Decay: true})
}

func (s *paramSpecs) vector(name string, n int) {
	s.list = append(s.list, graph.ParamSpec{Name: name, Shape: tensor.Shape{n}})
}

func (s *paramSpecs) norm(name string) {
	s.vector(name+".weight", s.Dim)
	s.vector(name+".bias", s.Dim)
}

func (s *paramSpecs) linear(name string, in, out int) {
	s.matrix(name+".weight", in, out)
	s.vector(name+".bias", out)
}
