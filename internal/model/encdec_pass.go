package model

import (
	"fmt"

	"dmtrain/internal/graph"
	"dmtrain/internal/mask"
	"dmtrain/internal/tensor"
)

// PairOptions say what a recorded pass over pairs must do.
type PairOptions struct {
	B, S, T    int     // pairs, source tokens, target tokens
	Train      bool    // with a backward pass; takes the logits' memory for their gradient
	Hide       bool    // target tokens may be hidden
	HideSource bool    // source tokens may be hidden
	Second     bool    // the target's mask has a second interval
	Logits     bool    // keep the logits readable; not with Train
	Dropout    float32 // with Train only
	EdgeDrop   float32 // with Train only; of the target's self-attention
	Smoothing  float32 // with Train only

	Arena *graph.Arena // of passes that never run at the same time; nil: the pass has its own
}

// PairPass is the encoder–decoder recorded over B pairs of source and target, with the loss of every target token.
type PairPass struct {
	PairOptions
	Stats  graph.TokenStats
	Logits *graph.Value // (B, T, V), with PairOptions.Logits

	m                  *EncoderDecoder
	prog               *graph.Program
	source             *sourceInputs
	target             side
	cross              *crossInputs
	ids, targets, draw *staging[int32]
	rate, scale        *staging[float32]
	sees               stagedMask
}

// NewPass records and compiles a pass.
func (m *EncoderDecoder) NewPass(o PairOptions) (*PairPass, error) {
	if n := max(o.S, o.T); n > m.Context {
		return nil, fmt.Errorf("%d tokens a row, but the model has %d positions", n, m.Context)
	}
	g := graph.New(m.be, o.Train)
	p := &PairPass{PairOptions: o, m: m, draw: ints(g, 4), scale: floats(g, 1), ids: ints(g, o.B, o.T), targets: ints(g, o.B, o.T),
		source: newSourceInputs(g, o.B, o.S, o.HideSource, m.CausalEncoder), sees: stageMask(g.Mask(o.B, o.T, o.T, o.Second)),
		cross: newCrossInputs(g, o.B, o.T, o.S)}
	p.target = side{ids: p.ids.value, positions: g.Input(tensor.Int32, o.B, o.T), mask: p.sees.Mask}
	if o.Hide {
		p.rate = floats(g, o.B, o.T)
		p.target.hidden = g.Bernoulli(p.rate.value, p.draw.value)
	}
	r := pairRecorder{EncoderDecoder: m, g: g, draw: p.draw.value, pad: !o.Logits}
	if o.Train {
		r.dropout, r.edgeDrop = o.Dropout, o.EdgeDrop
	}
	logits := r.decode(p.target, r.keysValues(r.encode(p.source.side)), p.cross.Mask)
	if o.Logits {
		p.Logits = logits.Keep()
	}
	p.Stats = g.CrossEntropy(logits, p.targets.value, p.scale.value, m.Vocab, o.Smoothing)
	if o.Arena == nil {
		o.Arena = graph.NewArena(m.be)
	}
	prog, err := g.CompileIn(o.Arena)
	if err != nil {
		return nil, err
	}
	p.prog = prog
	uploadPositions(m.be, p.source.positions)
	uploadPositions(m.be, p.target.positions)
	return p, nil
}

// Load uploads a batch: its sources; the targets' tokens (B, T), which the decoder reads, and what the plan says of them; and
// the last source position each of them sees (B, T). Positions past a source's end are never seen.
func (p *PairPass) Load(src *Source, ids []int32, plan *mask.Plan, sees []int32) {
	be, m := p.m.be, &plan.Mask
	p.source.load(be, src)
	p.cross.load(be, p.source.level, sees)
	p.ids.upload(be, ids)
	p.targets.upload(be, plan.Targets)
	if p.Hide {
		p.rate.upload(be, plan.Rate)
	}
	p.sees.upload(be, m.Pos, m.Lo, m.Hi, m.Tag, m.A, m.B)
}

// At places the pass in the random streams: draws are those of this seed and step, for rows from first on.
func (p *PairPass) At(seed uint64, step, first int) {
	at := drawAt(seed, step, first)
	p.draw.upload(p.m.be, at[:])
	p.source.at(p.m.be, seed, step, first)
}

// Supervised says over how many targets the loss is averaged: those of the whole step, or of a mean one.
func (p *PairPass) Supervised(n float64) {
	scale := [1]float32{1 / float32(max(n, 1))}
	p.scale.upload(p.m.be, scale[:])
}

// Forward computes Stats (and Logits).
func (p *PairPass) Forward() { p.prog.Forward() }

// Backward adds the gradient of the mean loss to the parameters' gradients.
func (p *PairPass) Backward() { p.prog.Backward() }

// Bytes is the memory the pass holds.
func (p *PairPass) Bytes() int { return p.prog.Bytes() }

// Free gives it back.
func (p *PairPass) Free() { p.prog.Free() }
