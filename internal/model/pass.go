package model

import (
	"fmt"

	"dmtrain/internal/graph"
	"dmtrain/internal/mask"
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

	m                           *Decoder
	prog                        *graph.Program
	ids, positions, targets, at *staging[int32]
	rate, scale                 *staging[float32]
	mask                        stagedMask
}

// NewPass records and compiles a pass.
func (m *Decoder) NewPass(o PassOptions) (*Pass, error) {
	if o.T > m.Context {
		return nil, fmt.Errorf("%d tokens a row, but the model has %d positions", o.T, m.Context)
	}
	g := graph.New(m.be, o.Train)
	p := &Pass{PassOptions: o, m: m, ids: ints(g, o.B, o.T), positions: ints(g, o.B, o.T), targets: ints(g, o.B, o.T),
		mask: stageMask(g.Mask(o.B, o.T, o.T, o.Second)), at: ints(g, 4), scale: floats(g, 1)}
	in := inputs{ids: p.ids.value, positions: p.positions.value, mask: p.mask.Mask, draw: p.at.value}
	if o.Hide {
		p.rate = floats(g, o.B, o.T)
		in.hidden = g.Bernoulli(p.rate.value, p.at.value)
	}
	if o.Train {
		in.dropout, in.edgeDrop = o.Dropout, o.EdgeDrop
	}
	in.pad = !o.Logits
	logits := m.record(g, in)
	if o.Logits {
		p.Logits = logits.Keep()
	}
	p.Stats = g.CrossEntropy(logits, p.targets.value, p.scale.value, m.Vocab, 0)
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
	p.positions.upload(p.m.be, at)
}

// Load uploads tokens (B, T) and what the plan says of them.
func (p *Pass) Load(ids []int32, plan *mask.Plan) {
	be, m := p.m.be, &plan.Mask
	p.ids.upload(be, ids)
	p.targets.upload(be, plan.Targets)
	if p.Hide {
		p.rate.upload(be, plan.Rate)
	}
	p.mask.upload(be, m.Pos, m.Lo, m.Hi, m.Tag, m.A, m.B)
}

// At places the pass in the random streams: draws are those of this seed and step, for rows from first on.
func (p *Pass) At(seed uint64, step, first int) {
	at := [4]int32{int32(uint32(seed)), int32(uint32(seed >> 32)), int32(step), int32(first)}
	p.at.upload(p.m.be, at[:])
}

// Supervised says over how many targets the loss is averaged: those of the whole step, or of a mean one.
func (p *Pass) Supervised(n float64) {
	scale := [1]float32{1 / float32(max(n, 1))}
	p.scale.upload(p.m.be, scale[:])
}

// Forward computes Stats (and Logits).
func (p *Pass) Forward() { p.prog.Forward() }

// Backward adds the gradient of the mean loss to the parameters' gradients.
func (p *Pass) Backward() { p.prog.Backward() }

// Bytes is the memory the pass holds.
func (p *Pass) Bytes() int { return p.prog.Bytes() }

// Free gives it back.
func (p *Pass) Free() { p.prog.Free() }
