package model

import (
	"fmt"

	"dmtrain/internal/graph"
	"dmtrain/internal/mask"
	"dmtrain/internal/tensor"
)

// PassOptions say what a recorded pass must do.
type PassOptions struct {
	B, T     int
	Train    bool    // with a backward pass; takes the logits' memory for their gradient
	Hide     bool    // tokens may be hidden
	Second   bool    // the mask has a second interval
	Logits   bool    // keep the logits readable; not with Train
	Dropout  float32 // with Train only
	EdgeDrop float32 // with Train only
}

// Pass is the decoder recorded over B rows of T tokens, with the loss of every token.
type Pass struct {
	PassOptions
	Stats  graph.TokenStats
	Logits *graph.Value // (B, T, V), with PassOptions.Logits

	m                             *Decoder
	prog                          *graph.Program
	ids, positions, targets, rate *graph.Value
	mask                          *graph.Mask
	draw, scale                   *graph.Value
}

// NewPass records and compiles a pass.
func (m *Decoder) NewPass(o PassOptions) (*Pass, error) {
	if o.T > m.Context {
		return nil, fmt.Errorf("%d tokens a row, but the model has %d positions", o.T, m.Context)
	}
	g := graph.New(m.be, o.Train)
	ints := func() *graph.Value { return g.Input(tensor.Int32, o.B, o.T) }
	p := &Pass{PassOptions: o, m: m, ids: ints(), positions: ints(), targets: ints(),
		mask: g.Mask(o.B, o.T, o.T, o.Second), draw: g.Input(tensor.Int32, 4), scale: g.Input(tensor.Float32, 1)}
	in := inputs{ids: p.ids, positions: p.positions, mask: p.mask, draw: p.draw}
	if o.Hide {
		p.rate = g.Input(tensor.Float32, o.B, o.T)
		in.hidden = g.Bernoulli(p.rate, p.draw)
	}
	if o.Train {
		in.dropout, in.edgeDrop = o.Dropout, o.EdgeDrop
	}
	logits := m.record(g, in)
	if o.Logits {
		p.Logits = logits.Keep()
	}
	p.Stats = g.CrossEntropy(logits, p.targets, p.scale)
	prog, err := g.Compile()
	if err != nil {
		return nil, err
	}
	p.prog = prog
	p.uploadPositions()
	return p, nil
}

// uploadPositions numbers each row's tokens from 0; they never change.
func (p *Pass) uploadPositions() {
	at := make([]int32, p.B*p.T)
	for i := range at {
		at[i] = int32(i % p.T)
	}
	p.m.be.Upload(p.positions.Buffer(), at)
}

// Load uploads tokens (B, T) and what the plan says of them.
func (p *Pass) Load(ids []int32, plan *mask.Plan) {
	up := func(v *graph.Value, src any) { p.m.be.Upload(v.Buffer(), src) }
	up(p.ids, ids)
	up(p.targets, plan.Targets)
	if p.Hide {
		up(p.rate, plan.Rate)
	}
	m := &plan.Mask
	up(p.mask.Pos, m.Pos)
	up(p.mask.Lo, m.Lo)
	up(p.mask.Hi, m.Hi)
	if p.Second {
		up(p.mask.Tag, m.Tag)
		up(p.mask.A, m.A)
		up(p.mask.B, m.B)
	}
}

// At places the pass in the random streams: draws are those of this seed and step, for rows from first on.
func (p *Pass) At(seed uint64, step, first int) {
	p.m.be.Upload(p.draw.Buffer(), []int32{int32(uint32(seed)), int32(uint32(seed >> 32)), int32(step), int32(first)})
}

// Supervised says how many targets the whole step has, over which the loss is averaged.
func (p *Pass) Supervised(n int) {
	p.m.be.Upload(p.scale.Buffer(), []float32{1 / float32(max(n, 1))})
}

// Forward computes Stats (and Logits).
func (p *Pass) Forward() { p.prog.Forward() }

// Backward adds the gradient of the mean loss to the parameters' gradients.
func (p *Pass) Backward() { p.prog.Backward() }

// Bytes is the memory the pass holds.
func (p *Pass) Bytes() int { return p.prog.Bytes() }

// Free gives it back.
func (p *Pass) Free() { p.prog.Free() }
