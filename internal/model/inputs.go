package model

import (
	"dmtrain/internal/graph"
	"dmtrain/internal/kernels"
	"dmtrain/internal/mask"
)

// textInputs are what a pass reads of a source or of a target, with the host's side.
type textInputs struct {
	text
	tokens *staging[int32]
	places *staging[int32] // number each row's tokens from 0
	draw   *staging[int32] // the step's place in the random streams
	rate   *staging[float32]
	self   *stagedMask
}

// newTextInputs declares b rows of t tokens; with hide, tokens may be hidden.
func newTextInputs(g *graph.Graph, b, t int, second, hide bool) *textInputs {
	in := &textInputs{
		tokens: ints(g, b, t),
		places: ints(g, b, t),
		draw:   ints(g, 4),
		self:   newMask(g, b, t, t, second),
	}
	in.text = text{ids: in.tokens.value, positions: in.places.value, mask: in.self.Mask}
	if hide {
		in.rate = floats(g, b, t)
		in.hidden = g.Bernoulli(in.rate.value, in.draw.value)
	}
	return in
}

// number uploads the positions, which never change.
func (in *textInputs) number(be kernels.Backend) {
	at, t := in.places.room(), in.positions.Shape.Cols()
	for i := range at {
		at[i] = int32(i % t)
	}
	in.places.send(be)
}

// load uploads tokens, their mask and, where tokens may be hidden, how probably each is.
func (in *textInputs) load(be kernels.Backend, ids []int32, m *mask.Mask, rate []float32) {
	in.tokens.upload(be, ids)
	in.self.upload(be, m)
	if in.rate != nil {
		in.rate.upload(be, rate)
	}
}

// at places the draws in the random streams.
func (in *textInputs) at(be kernels.Backend, seed uint64, step, first int) {
	draw := in.draw.room()
	draw[0], draw[1], draw[2], draw[3] = int32(uint32(seed)), int32(uint32(seed>>32)), int32(step), int32(first)
	in.draw.send(be)
}
