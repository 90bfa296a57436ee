package model

import (
	"fmt"

	"dmtrain/internal/graph"
	"dmtrain/internal/kernels"
	"dmtrain/internal/tensor"
)

// lnEps is GPT-2's layer-norm epsilon.
const lnEps = 1e-5

// FillParam is the name of the trained fill vector, the only parameter a GPT-2 checkpoint doesn't have.
const FillParam = "mask_fill.weight"

// Decoder is GPT-2 (Radford et al. 2019): pre-norm, learned positions, tanh GELU, output tied to the token embedding. Names and
// layouts are those of a Hugging Face checkpoint, where a linear layer's weight is (in, out).
type Decoder struct {
	Config
	Params *graph.Params
	be     kernels.Backend
}

// NewDecoder makes a decoder with zeroed parameters.
func NewDecoder(be kernels.Backend, c Config, train bool) (*Decoder, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	params, err := graph.NewParams(be, c.specs(), c.Precision, train)
	if err != nil {
		return nil, fmt.Errorf("parameters: %w", err)
	}
	return &Decoder{c, params, be}, nil
}

func (c Config) specs() []graph.ParamSpec {
	var specs []graph.ParamSpec
	matrix := func(name string, shape ...int) {
		specs = append(specs, graph.ParamSpec{Name: name + ".weight", Shape: tensor.Shape(shape), Decay: true})
	}
	vector := func(name string, n int) {
		specs = append(specs, graph.ParamSpec{Name: name, Shape: tensor.Shape{n}})
	}
	norm := func(name string) { vector(name+".weight", c.Dim); vector(name+".bias", c.Dim) }
	linear := func(name string, in, out int) { matrix(name, in, out); vector(name+".bias", out) }

	matrix("transformer.wte", c.Vocab, c.Dim)
	specs[0].Rows = c.outputRows()
	matrix("transformer.wpe", c.Context, c.Dim)
	for i := range c.Layers {
		pre := blockName(i)
		norm(pre + "ln_1")
		linear(pre+"attn.c_attn", c.Dim, 3*c.Dim)
		linear(pre+"attn.c_proj", c.Dim, c.Dim)
		norm(pre + "ln_2")
		linear(pre+"mlp.c_fc", c.Dim, 4*c.Dim)
		linear(pre+"mlp.c_proj", 4*c.Dim, c.Dim)
	}
	norm("transformer.ln_f")
	if c.LearnedFill {
		vector(FillParam, c.Dim)
	}
	return specs
}

func blockName(i int) string { return fmt.Sprintf("transformer.h.%d.", i) }

// inputs are the values a recording of the decoder starts from.
type inputs struct {
	ids, positions *graph.Value // int32 (B, T)
	hidden         *graph.Value // uint8 (B, T); nil when nothing is ever hidden
	mask           *graph.Mask
	draw           *graph.Value // the step's place in the random streams
	dropout        float32
	edgeDrop       float32
	cache          *cache // nil: keys and values are those of this pass
	pad            bool   // logits as wide as goes well; see outputs
}

// recorder records one decoder into one graph.
type recorder struct {
	*Decoder
	g  *graph.Graph
	in inputs
}

// record returns the logits (B, T, V), padded if asked.
func (m *Decoder) record(g *graph.Graph, in inputs) *graph.Value {
	r := recorder{m, g, in}
	wte := r.param("transformer.wte.weight")
	x := g.Embed(wte, in.ids)
	if in.hidden != nil {
		x = g.MaskedFill(x, in.hidden, r.fill())
	}
	x = g.AddEmbed(x, r.param("transformer.wpe.weight"), in.positions)
	x = r.dropout(x, m.Layers, 0)
	for i := range m.Layers {
		x = r.block(i, x)
	}
	return g.LinearT(r.norm("transformer.ln_f", x), outputs(g, m.Params.Get("transformer.wte.weight"), in.pad))
}

// vectorBytes is what a row of logits is a multiple of where bfloat16 passes compute it: tensor cores and their libraries take rows
// that start anywhere several times as long.
const vectorBytes = 16

// outputRows is how many rows the token embedding has room for.
func (c Config) outputRows() int {
	if c.Precision != tensor.BFloat16 {
		return c.Vocab
	}
	n := vectorBytes / c.Precision.Size()
	return (c.Vocab + n - 1) / n * n
}

// outputs is the tied output layer's weight (V, C), with the rows it has room for if the logits may be wider than the vocabulary. The
// loss reads none of the columns more, and gives them no gradient.
func outputs(g *graph.Graph, embedding *graph.Param, pad bool) *graph.Value {
	if pad {
		embedding = embedding.Taller()
	}
	return g.Param(embedding)
}

// block is one layer: attention and a two-layer perceptron, each behind a norm and added to x.
func (r recorder) block(i int, x *graph.Value) *graph.Value {
	pre := blockName(i)
	qkv := r.linear(pre+"attn.c_attn", r.norm(pre+"ln_1", x))
	x = r.addLinear(x, r.attend(i, qkv), pre+"attn.c_proj", i, 0)
	h := r.g.LinearGelu(r.norm(pre+"ln_2", x), r.param(pre+"mlp.c_fc.weight"), r.param(pre+"mlp.c_fc.bias"))
	return r.addLinear(x, h, pre+"mlp.c_proj", i, 1)
}

func (r recorder) attend(layer int, qkv *graph.Value) *graph.Value {
	band := func(i int) graph.Columns { return graph.Columns{Of: qkv, Offset: i * r.Dim} }
	q, k, v := band(0), band(1), band(2)
	if c := r.in.cache; c != nil {
		r.g.PutRows(c.keys[layer], k, c.at)
		r.g.PutRows(c.values[layer], v, c.at)
		k, v = graph.Columns{Of: c.keys[layer]}, graph.Columns{Of: c.values[layer]}
	}
	// Attention dropout and edge dropping are one mechanism; an edge stays if it survives both.
	drop := 1 - (1-r.in.dropout)*(1-r.in.edgeDrop)
	return r.g.Attention(q, k, v, r.in.mask, r.Heads, r.Dim, graph.EdgeDrop{Rate: drop, Layer: layer, Draw: r.in.draw})
}

// addLinear is residual + dropout(x·W + b), in one operation where nothing is dropped.
func (r recorder) addLinear(residual, x *graph.Value, name string, layer, site int) *graph.Value {
	w, b := r.param(name+".weight"), r.param(name+".bias")
	if r.in.dropout == 0 {
		return r.g.AddLinear(residual, x, w, b)
	}
	return r.g.Add(residual, r.dropout(r.g.Linear(x, w, b), layer, site))
}

func (r recorder) dropout(x *graph.Value, layer, site int) *graph.Value {
	if r.in.dropout == 0 {
		return x
	}
	return r.g.Dropout(x, r.in.draw, r.in.dropout, layer, site)
}

func (r recorder) param(name string) *graph.Value { return r.g.Param(r.Params.Get(name)) }

func (r recorder) norm(name string, x *graph.Value) *graph.Value {
	return r.g.LayerNorm(x, r.param(name+".weight"), r.param(name+".bias"), lnEps)
}

func (r recorder) linear(name string, x *graph.Value) *graph.Value {
	return r.g.Linear(x, r.param(name+".weight"), r.param(name+".bias"))
}

func (r recorder) fill() *graph.Value {
	if !r.LearnedFill {
		return nil
	}
	return r.param(FillParam)
}
