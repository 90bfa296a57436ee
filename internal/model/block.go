package model

import (
	"math"

	"dmtrain/internal/graph"
)

// lnEps is GPT-2's layer-norm epsilon.
const lnEps = 1e-5

// recorder records a model, or one of its stacks, into a graph.
type recorder struct {
	*Model
	g                 *graph.Graph
	draw              *graph.Value // the step's place in the random streams; nil where nothing is dropped
	dropout, edgeDrop float32      // edgeDrop is of the decoder's self-attention
	pad               bool         // logits as wide as goes well; see outputs
}

// text is what a recording reads of a source or of a target.
type text struct {
	ids, positions *graph.Value // int32 (B, S) or (B, T)
	hidden         *graph.Value // uint8, the same shape; nil when nothing is ever hidden
	mask           *graph.Mask  // of the self-attention
	cache          *cache       // nil: keys and values are those of this pass
}

// cache holds every layer's keys and values of tokens already read.
type cache struct {
	keys, values []*graph.Value // a layer each: (B, Context, C)
	at           *graph.Value   // int32 (B·T): where the pass's rows go; −1: nowhere
}

// edge is what the decoder's blocks attend to beside their own text.
type edge struct {
	keysValues []*graph.Value // a layer each: (B, S, 2C)
	mask       *graph.Mask
}

// encode returns what the decoder sees of the source, (B, S, C).
func (r recorder) encode(in text) *graph.Value {
	r.edgeDrop = 0
	return r.run(r.encoder(), in, nil)
}

// keysValues are every decoder layer's keys and values of the encoded source, (B, S, 2C) each.
func (r recorder) keysValues(encoded *graph.Value) []*graph.Value {
	var kv []*graph.Value
	for i := range r.Layers {
		kv = append(kv, r.linear(r.decoder().block(i)+"cross.c_kv", encoded))
	}
	return kv
}

// decode returns the logits (B, T, V), padded if asked. Without an encoder from is nil.
func (r recorder) decode(in text, from *edge) *graph.Value {
	x := r.run(r.decoder(), in, from)
	return r.g.LinearT(x, r.outputs())
}

// run is a stack's output (B, T, C) behind its last norm.
func (r recorder) run(s stack, in text, from *edge) *graph.Value {
	x := r.embed(s, in)
	for i := range r.Layers {
		x = r.block(s, i, x, in, from)
	}
	return r.norm(s.norm(), x)
}

// embed is the token's embedding, filled where hidden, plus its position's.
func (r recorder) embed(s stack, in text) *graph.Value {
	x := r.g.Embed(r.param(r.embeddingParam()), in.ids)
	if r.Encoder {
		x = r.g.Scale(x, float32(math.Sqrt(float64(r.Dim))))
	}
	if in.hidden != nil {
		x = r.g.MaskedFill(x, in.hidden, r.fill())
	}
	return r.drop(r.g.AddEmbed(x, r.positions(), in.positions), r.embedLayer(), s.site)
}

// positions are the embeddings of the positions, (Context, C).
func (r recorder) positions() *graph.Value {
	if r.Encoder {
		return r.g.Constant(r.sinusoids, r.Context, r.Dim)
	}
	return r.param(positionParam)
}

// block is one layer: attention to the text itself, to the source if there is one, and a two-layer perceptron, each
// behind a norm and added to x.
func (r recorder) block(s stack, i int, x *graph.Value, in text, from *edge) *graph.Value {
	pre, layer := s.block(i), s.layer+i
	qkv := r.linear(pre+"attn.c_attn", r.norm(pre+"ln_1", x))
	x = r.addLinear(x, r.attendSelf(i, layer, qkv, in), pre+"attn.c_proj", layer, 0)
	if from != nil {
		q := r.linear(pre+"cross.c_q", r.norm(pre+"ln_x", x))
		x = r.addLinear(x, r.attendSource(i, q, from), pre+"cross.c_proj", layer, 2)
	}
	h := r.g.LinearGelu(r.norm(pre+"ln_2", x), r.param(pre+"mlp.c_fc.weight"), r.param(pre+"mlp.c_fc.bias"))
	return r.addLinear(x, h, pre+"mlp.c_proj", layer, 1)
}

// attendSelf attends to the text itself: to this pass's tokens, or to those of the cache, which these join first.
func (r recorder) attendSelf(block, layer int, qkv *graph.Value, in text) *graph.Value {
	band := func(i int) graph.Columns { return graph.Columns{Of: qkv, Offset: i * r.Dim} }
	q, k, v := band(0), band(1), band(2)
	if c := in.cache; c != nil {
		r.g.PutRows(c.keys[block], k, c.at)
		r.g.PutRows(c.values[block], v, c.at)
		k, v = graph.Columns{Of: c.keys[block]}, graph.Columns{Of: c.values[block]}
	}
	// Attention dropout and edge dropping are one mechanism; an edge stays if it survives both.
	rate := 1 - (1-r.dropout)*(1-r.edgeDrop)
	return r.g.Attention(q, k, v, in.mask, r.Heads, r.Dim, graph.EdgeDrop{Rate: rate, Layer: layer, Draw: r.draw})
}

// attendSource attends from q (B, T, C) to a source's keys and values. The mask may count several rows of q as one,
// such as the beams of a sentence, which then share its source without a copy: no query of the source's depends on
// another.
func (r recorder) attendSource(block int, q *graph.Value, from *edge) *graph.Value {
	b, t := q.Shape[0], q.Shape[1]
	kv, rows, queries := from.keysValues[block], from.mask.Lo.Shape[0], from.mask.Lo.Shape[1]
	if rows != b {
		q = r.g.View(q, rows, queries, r.Dim)
	}
	k, v := graph.Columns{Of: kv}, graph.Columns{Of: kv, Offset: r.Dim}
	y := r.g.Attention(graph.Columns{Of: q}, k, v, from.mask, r.Heads, r.Dim,
		graph.EdgeDrop{Rate: r.dropout, Layer: r.crossLayer(block), Draw: r.draw})
	if rows != b {
		y = r.g.View(y, b, t, r.Dim)
	}
	return y
}

// outputs is the tied output layer's weight (V, C), with the rows it has room for if the logits may be wider than the
// vocabulary. The loss reads none of the columns more, and gives them no gradient.
func (r recorder) outputs() *graph.Value {
	embedding := r.Params.Get(r.embeddingParam())
	if r.pad {
		embedding = embedding.Taller()
	}
	return r.g.Param(embedding)
}

// addLinear is residual + dropout(x·W + b), in one operation where nothing is dropped.
func (r recorder) addLinear(residual, x *graph.Value, name string, layer, site int) *graph.Value {
	if r.dropout == 0 {
		return r.g.AddLinear(residual, x, r.param(name+".weight"), r.param(name+".bias"))
	}
	return r.g.Add(residual, r.drop(r.linear(name, x), layer, site))
}

func (r recorder) drop(x *graph.Value, layer, site int) *graph.Value {
	if r.dropout == 0 {
		return x
	}
	return r.g.Dropout(x, r.draw, r.dropout, layer, site)
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
