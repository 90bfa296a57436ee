package model

import (
	"dmtrain/internal/graph"
	"dmtrain/internal/kernels"
	"dmtrain/internal/mask"
	"dmtrain/internal/tensor"
)

// Source is a batch of sources, S tokens each.
type Source struct {
	IDs  []int32   // (B, S)
	Len  []int32   // (B): what comes after is padding, which no one sees
	Rate []float32 // (B, S): how probably a token is hidden, its embedding filled; read by passes with PairOptions.HideSource
}

// sourceInputs are the encoder's inputs in a recording, and the host's copies of the masks that follow from the lengths.
type sourceInputs struct {
	side
	tokens *staging[int32]
	sees   stagedMask
	rate   *staging[float32] // nil, as draw is, where nothing is ever hidden
	draw   *staging[int32]
	b, s   int
	causal bool

	pos, hi, lo, level []int32
}

func newSourceInputs(g *graph.Graph, b, s int, hide, causal bool) *sourceInputs {
	in := &sourceInputs{b: b, s: s, causal: causal}
	in.tokens, in.positions, in.sees = ints(g, b, s), g.Input(tensor.Int32, b, s), stageMask(g.Mask(b, s, s, false))
	in.ids, in.mask = in.tokens.value, in.sees.Mask
	if hide {
		in.rate, in.draw = floats(g, b, s), ints(g, 4)
		in.hidden = g.Bernoulli(in.rate.value, in.draw.value)
	}
	n := b * s
	in.pos, in.hi, in.lo, in.level = make([]int32, n), make([]int32, n), make([]int32, n), make([]int32, n)
	return in
}

// load uploads the sources and how they see themselves: wholly, or up to each position where the encoder is causal. Padding sees
// nothing and is seen by no one.
func (in *sourceInputs) load(be kernels.Backend, src *Source) {
	for n := range in.pos {
		row, j := n/in.s, int32(n%in.s)
		in.level[n] = j
		switch {
		case j >= src.Len[row]:
			in.level[n], in.pos[n], in.hi[n] = mask.Inf, mask.Inf, -1
		case in.causal:
			in.pos[n], in.hi[n] = j, j
		default:
			in.pos[n], in.hi[n] = 0, 0
		}
	}
	in.tokens.upload(be, src.IDs)
	in.sees.upload(be, in.pos, in.lo, in.hi, nil, nil, nil)
	if in.hidden != nil {
		in.rate.upload(be, src.Rate)
	}
}

// at places the draws of hidden tokens in the random streams.
func (in *sourceInputs) at(be kernels.Backend, seed uint64, step, first int) {
	if in.hidden != nil {
		at := drawAt(mask.SourceSeed(seed), step, first)
		in.draw.upload(be, at[:])
	}
}

// drawAt is a place in the random streams as kernels take it.
func drawAt(seed uint64, step, first int) [4]int32 {
	return [4]int32{int32(uint32(seed)), int32(uint32(seed >> 32)), int32(step), int32(first)}
}

// crossInputs are the mask between targets and sources: source position j has level j, and each target token sees the levels up to
// its own bound.
type crossInputs struct {
	stagedMask
	s            int
	first, bound []int32
}

func newCrossInputs(g *graph.Graph, b, t, s int) *crossInputs {
	return &crossInputs{stagedMask: stageMask(g.Mask(b, t, s, false)), s: s, first: make([]int32, b*t), bound: make([]int32, b*t)}
}

// load uploads the sources' levels (Inf on padding) and each target token's bound.
func (in *crossInputs) load(be kernels.Backend, level, bound []int32) {
	last := int32(in.s - 1)
	for i, b := range bound {
		in.bound[i] = min(b, last) // below Inf, which is padding's level
	}
	in.upload(be, level, in.first, in.bound, nil, nil, nil)
}

// uploadPositions numbers the tokens of each row of v from 0; they never change.
func uploadPositions(be kernels.Backend, v *graph.Value) {
	at, t := make([]int32, v.Shape.Elems()), v.Shape.Cols()
	for i := range at {
		at[i] = int32(i % t)
	}
	be.Upload(v.Buffer(), at)
}
