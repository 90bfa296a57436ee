package model

import (
	"fmt"
	"math"

	"dmtrain/internal/graph"
	"dmtrain/internal/kernels"
	"dmtrain/internal/tensor"
)

// EncoderDecoderConfig is the shape of an encoder–decoder: both stacks have Layers layers, Context is the longest source or target.
type EncoderDecoderConfig struct {
	Config
	CausalEncoder bool // no source position sees a later one: what translating before the source has ended rests on
}

// Check tells what is impossible about the shape.
func (c EncoderDecoderConfig) Check() error {
	if err := c.Config.Check(); err != nil {
		return err
	}
	if c.Dim%2 != 0 {
		return fmt.Errorf("model.dim: %d is odd, but sinusoidal positions come in pairs", c.Dim)
	}
	return nil
}

// FlopsPerPair estimates a training step's arithmetic for s source and t target tokens as [Config.FlopsPerToken] does: 6 for each weight of a
// matrix and token that meets it, and 12 · width for each layer and pair of positions, halved where attention is causal.
func (c EncoderDecoderConfig) FlopsPerPair(s, t int) float64 {
	layers, width, source, target := float64(c.Layers), float64(c.Dim), float64(s), float64(t)
	encoder := source * source
	if c.CausalEncoder {
		encoder /= 2
	}
	// A layer has 12·C² weights in the encoder, 14·C² in the decoder's own and 2·C² for keys and values of the source.
	weights := 14*layers*width*width*(source+target) + float64(c.Vocab)*width*target
	return 6*weights + 12*layers*width*(encoder+target*target/2+source*target)
}

// EncoderDecoder is the Transformer of Vaswani et al. 2017 with norms before the layers instead of after: sinusoidal positions, and one
// token embedding for source, target and output, scaled by √C where it is read. Blocks are named and laid out like the Decoder's; a
// decoder block has between its two halves ln_x and cross (c_q, c_kv, c_proj), which attends to the source.
type EncoderDecoder struct {
	EncoderDecoderConfig
	Params *graph.Params

	be        kernels.Backend
	sinusoids kernels.Buffer // (Context, C)
}

// NewEncoderDecoder makes an encoder–decoder with zeroed parameters.
func NewEncoderDecoder(be kernels.Backend, c EncoderDecoderConfig, train bool) (*EncoderDecoder, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	params, err := graph.NewParams(be, c.specs(), c.Precision, train)
	if err != nil {
		return nil, fmt.Errorf("parameters: %w", err)
	}
	table, err := be.Alloc(c.Precision, c.Context*c.Dim)
	if err != nil {
		params.Free()
		return nil, fmt.Errorf("positions: %w", err)
	}
	be.Upload(table, sinusoids(c.Context, c.Dim))
	return &EncoderDecoder{c, params, be, table}, nil
}

// Free gives the parameters' memory back.
func (m *EncoderDecoder) Free() {
	m.Params.Free()
	m.be.Free(m.sinusoids)
}

// sinusoids are n positions of width c: columns 2i and 2i+1 of position p hold sine and cosine of p/10000^(2i/c)
// (Vaswani et al. 2017, section 3.5).
func sinusoids(n, c int) []float32 {
	table := make([]float32, n*c)
	for p := range n {
		for i := 0; i < c; i += 2 {
			sin, cos := math.Sincos(float64(p) / math.Pow(10000, float64(i)/float64(c)))
			table[p*c+i], table[p*c+i+1] = float32(sin), float32(cos)
		}
	}
	return table
}

// sharedParam is the name of the embedding of source, target and output.
const sharedParam = "shared.weight"

func encoderBlock(i int) string { return fmt.Sprintf("encoder.h.%d.", i) }
func decoderBlock(i int) string { return fmt.Sprintf("decoder.h.%d.", i) }

func (c EncoderDecoderConfig) specs() []graph.ParamSpec {
	s := paramSpecs{dim: c.Dim}
	s.matrix(sharedParam, c.Vocab, c.Dim)
	s.list[0].Rows = c.outputRows()
	for i := range c.Layers {
		pre := encoderBlock(i)
		s.selfAttention(pre)
		s.perceptron(pre)
	}
	s.norm("encoder.ln_f")
	for i := range c.Layers {
		pre := decoderBlock(i)
		s.selfAttention(pre)
		s.norm(pre + "ln_x")
		s.linear(pre+"cross.c_q", c.Dim, c.Dim)
		s.linear(pre+"cross.c_kv", c.Dim, 2*c.Dim)
		s.linear(pre+"cross.c_proj", c.Dim, c.Dim)
		s.perceptron(pre)
	}
	s.norm("decoder.ln_f")
	if c.LearnedFill {
		s.vector(FillParam, c.Dim)
	}
	return s.list
}

// paramSpecs collects a model's parameters layer by layer.
type paramSpecs struct {
	dim  int
	list []graph.ParamSpec
}

func (s *paramSpecs) matrix(name string, rows, cols int) {
	s.list = append(s.list, graph.ParamSpec{Name: name, Shape: tensor.Shape{rows, cols}, Decay: true})
}

func (s *paramSpecs) vector(name string, n int) {
	s.list = append(s.list, graph.ParamSpec{Name: name, Shape: tensor.Shape{n}})
}

func (s *paramSpecs) norm(name string) {
	s.vector(name+".weight", s.dim)
	s.vector(name+".bias", s.dim)
}

func (s *paramSpecs) linear(name string, in, out int) {
	s.matrix(name+".weight", in, out)
	s.vector(name+".bias", out)
}

func (s *paramSpecs) selfAttention(pre string) {
	s.norm(pre + "ln_1")
	s.linear(pre+"attn.c_attn", s.dim, 3*s.dim)
	s.linear(pre+"attn.c_proj", s.dim, s.dim)
}

func (s *paramSpecs) perceptron(pre string) {
	s.norm(pre + "ln_2")
	s.linear(pre+"mlp.c_fc", s.dim, 4*s.dim)
	s.linear(pre+"mlp.c_proj", 4*s.dim, s.dim)
}
