package model

import (
	"math"

	"dmtrain/internal/graph"
)

// pairRecorder records an encoder–decoder, or one half of it, into a graph.
type pairRecorder struct {
	*EncoderDecoder
	g                 *graph.Graph
	draw              *graph.Value // the step's place in the random streams; nil where nothing is dropped
	dropout, edgeDrop float32
	pad               bool // logits as wide as goes well; see outputs
}

// side is what a recording reads of the source or of the target.
type side struct {
	ids, positions *graph.Value // int32 (B, S) or (B, T)
	hidden         *graph.Value // uint8, the same shape; nil when nothing is ever hidden
	mask           *graph.Mask  // of the self-attention
	cache          *cache       // nil: keys and values are those of this pass
}

// Random streams are told apart by layer: the encoder's come first, then the decoder's, then the decoder's attention to the
// source, then the embeddings.
func (r pairRecorder) decoderLayer(i int) int { return r.Layers + i }
func (r pairRecorder) crossLayer(i int) int   { return 2*r.Layers + i }
func (r pairRecorder) embedLayer() int        { return 3 * r.Layers }

// encode returns what the decoder sees of the source, (B, S, C).
func (r pairRecorder) encode(src side) *graph.Value {
	x := r.embed(src, 0)
	for i := range r.Layers {
		pre := encoderBlock(i)
		x = r.selfAttention(pre, i, x, src, 0)
		x = r.perceptron(pre, i, x)
	}
	return r.norm("encoder.ln_f", x)
}

// keysValues are every decoder layer's keys and values of the encoded source, (B, S, 2C) each.
func (r pairRecorder) keysValues(encoded *graph.Value) []*graph.Value {
	var kv []*graph.Value
	for i := range r.Layers {
		kv = append(kv, r.linear(decoderBlock(i)+"cross.c_kv", encoded))
	}
	return kv
}

// decode returns the logits (B, T, V), padded if asked, of targets that see the source's keys and values as far as the cross mask allows.
func (r pairRecorder) decode(dst side, kv []*graph.Value, cross *graph.Mask) *graph.Value {
	y := r.embed(dst, 1)
	for i := range r.Layers {
		pre, layer := decoderBlock(i), r.decoderLayer(i)
		y = r.selfAttention(pre, layer, y, dst, r.edgeDrop)
		q := r.linear(pre+"cross.c_q", r.norm(pre+"ln_x", y))
		y = r.addLinear(y, r.attendSource(i, q, kv[i], cross), pre+"cross.c_proj", layer, 2)
		y = r.perceptron(pre, layer, y)
	}
	return r.g.LinearT(r.norm("decoder.ln_f", y), outputs(r.g, r.Params.Get(sharedParam), r.pad))
}

// embed is √C times the token embedding, filled where hidden, plus the position's sinusoids.
func (r pairRecorder) embed(in side, site int) *graph.Value {
	x := r.g.Scale(r.g.Embed(r.param(sharedParam), in.ids), float32(math.Sqrt(float64(r.Dim))))
	if in.hidden != nil {
		x = r.g.MaskedFill(x, in.hidden, r.fill())
	}
	x = r.g.AddEmbed(x, r.g.Constant(r.sinusoids, r.Context, r.Dim), in.positions)
	return r.drop(x, r.embedLayer(), site)
}

func (r pairRecorder) selfAttention(pre string, layer int, x *graph.Value, in side, edgeDrop float32) *graph.Value {
	qkv := r.linear(pre+"attn.c_attn", r.norm(pre+"ln_1", x))
	band := func(i int) graph.Columns { return graph.Columns{Of: qkv, Offset: i * r.Dim} }
	q, k, v := band(0), band(1), band(2)
	if c := in.cache; c != nil {
		at := layer - r.decoderLayer(0)
		r.g.PutRows(c.keys[at], k, c.at)
		r.g.PutRows(c.values[at], v, c.at)
		k, v = graph.Columns{Of: c.keys[at]}, graph.Columns{Of: c.values[at]}
	}
	// Attention dropout and edge dropping are one mechanism; an edge stays if it survives both.
	rate := 1 - (1-r.dropout)*(1-edgeDrop)
	att := r.g.Attention(q, k, v, in.mask, r.Heads, r.Dim, graph.EdgeDrop{Rate: rate, Layer: layer, Draw: r.draw})
	return r.addLinear(x, att, pre+"attn.c_proj", layer, 0)
}

// attendSource attends from q (B, T, C) to a source's keys and values. The mask may count several rows of q as one, such as the
// beams of a sentence, which then share its source without a copy: no query of the source's depends on another.
func (r pairRecorder) attendSource(i int, q, kv *graph.Value, cross *graph.Mask) *graph.Value {
	b, t := q.Shape[0], q.Shape[1]
	rows, queries := cross.Lo.Shape[0], cross.Lo.Shape[1]
	if rows != b {
		q = r.g.View(q, rows, queries, r.Dim)
	}
	k, v := graph.Columns{Of: kv}, graph.Columns{Of: kv, Offset: r.Dim}
	att := r.g.Attention(graph.Columns{Of: q}, k, v, cross, r.Heads, r.Dim,
		graph.EdgeDrop{Rate: r.dropout, Layer: r.crossLayer(i), Draw: r.draw})
	if rows != b {
		att = r.g.View(att, b, t, r.Dim)
	}
	return att
}

func (r pairRecorder) perceptron(pre string, layer int, x *graph.Value) *graph.Value {
	h := r.g.LinearGelu(r.norm(pre+"ln_2", x), r.param(pre+"mlp.c_fc.weight"), r.param(pre+"mlp.c_fc.bias"))
	return r.addLinear(x, h, pre+"mlp.c_proj", layer, 1)
}

// addLinear is residual + dropout(x·W + b), in one operation where nothing is dropped.
func (r pairRecorder) addLinear(residual, x *graph.Value, name string, layer, site int) *graph.Value {
	if r.dropout == 0 {
		return r.g.AddLinear(residual, x, r.param(name+".weight"), r.param(name+".bias"))
	}
	return r.g.Add(residual, r.drop(r.linear(name, x), layer, site))
}

func (r pairRecorder) drop(x *graph.Value, layer, site int) *graph.Value {
	if r.dropout == 0 {
		return x
	}
	return r.g.Dropout(x, r.draw, r.dropout, layer, site)
}

func (r pairRecorder) param(name string) *graph.Value { return r.g.Param(r.Params.Get(name)) }

func (r pairRecorder) norm(name string, x *graph.Value) *graph.Value {
	return r.g.LayerNorm(x, r.param(name+".weight"), r.param(name+".bias"), lnEps)
}

func (r pairRecorder) linear(name string, x *graph.Value) *graph.Value {
	return r.g.Linear(x, r.param(name+".weight"), r.param(name+".bias"))
}

func (r pairRecorder) fill() *graph.Value {
	if !r.LearnedFill {
		return nil
	}
	return r.param(FillParam)
}
