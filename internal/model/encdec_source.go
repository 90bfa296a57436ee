package model

import (
	"dmtrain/internal/graph"
	"dmtrain/internal/kernels"
	"dmtrain/internal/mask"
	"dmtrain/internal/tensor"
)

// Source is a batch of sources, S tokens each.
type Source struct {
	IDs    []int32 // (B, S)
	Len    []int32 // (B): what comes after is padding, which no one sees
	Hidden []uint8 // (B, S): 1 where the token's embedding is filled; nil hides none
}

// sourceInputs are the encoder's inputs in a recording, and the host's copies of the masks that follow from the lengths.
type sourceInputs struct {
	side
	b, s   int
	causal bool

	pos, hi, lo, level []int32
}

func newSourceInputs(g *graph.Graph, b, s int, hide, causal bool) *sourceInputs {
	in := &sourceInputs{b: b, s: s, causal: causal}
	in.ids, in.positions = g.Input(tensor.Int32, b, s), g.Input(tensor.Int32, b, s)
	in.mask = g.Mask(b, s, s, false)
	if hide {
		in.hidden = g.Input(tensor.Uint8, b, s)
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
	be.Upload(in.ids.Buffer(), src.IDs)
	be.Upload(in.mask.Pos.Buffer(), in.pos)
	be.Upload(in.mask.Lo.Buffer(), in.lo)
	be.Upload(in.mask.Hi.Buffer(), in.hi)
	if in.hidden != nil {
		be.Upload(in.hidden.Buffer(), src.Hidden)
	}
}

// crossInputs are the mask between targets and sources: source position j has level j, and each target token sees the levels up to
// its own bound.
type crossInputs struct {
	mask   *graph.Mask
	s      int
	lo, hi []int32
}

func newCrossInputs(g *graph.Graph, b, t, s int) *crossInputs {
	return &crossInputs{mask: g.Mask(b, t, s, false), s: s, lo: make([]int32, b*t), hi: make([]int32, b*t)}
}

// load uploads the sources' levels (Inf on padding) and each target token's bound.
func (in *crossInputs) load(be kernels.Backend, level, bound []int32) {
	last := int32(in.s - 1)
	for i, b := range bound {
		in.hi[i] = min(b, last) // below Inf, which is padding's level
	}
	be.Upload(in.mask.Pos.Buffer(), level)
	be.Upload(in.mask.Lo.Buffer(), in.lo)
	be.Upload(in.mask.Hi.Buffer(), in.hi)
}

// uploadPositions numbers the tokens of each row of v from 0; they never change.
func uploadPositions(be kernels.Backend, v *graph.Value) {
	at, t := make([]int32, v.Shape.Elems()), v.Shape.Cols()
	for i := range at {
		at[i] = int32(i % t)
	}
	be.Upload(v.Buffer(), at)
}
