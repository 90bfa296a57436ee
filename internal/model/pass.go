package model

import (
	"dmtrain/internal/batch"
	"dmtrain/internal/graph"
	"dmtrain/internal/mask"
)

// PassOptions say what a recorded pass must do.
type PassOptions struct {
	B, S, T    int     // rows, source tokens (0 without an encoder), target tokens
	Train      bool    // with a backward pass; takes the logits' memory for their gradient
	Hide       bool    // target tokens may be hidden
	HideSource bool    // source tokens may be hidden
	Second     bool    // the target's mask has a second interval
	Logits     bool    // keep the logits readable; not with Train
	Dropout    float32 // with Train only
	EdgeDrop   float32 // with Train only; of the target's self-attention
	Smoothing  float32 // of labels; with Train only

	Arena *graph.Arena // of passes that never run at the same time; nil: the pass has its own
}

// Pass is a model recorded over B rows of T tokens, with the loss of every token.
type Pass struct {
	PassOptions
	Stats  graph.TokenStats
	Logits *graph.Value // (B, T, V), with PassOptions.Logits

	m       *Model
	prog    *graph.Program
	target  *textInputs
	targets *staging[int32] // what is to be predicted
	scale   *staging[float32]
	source  *textInputs // nil without an encoder, as cross
	cross   *stagedMask
	outputs outputs
}

// NewPass records and compiles a pass.
func (m *Model) NewPass(o PassOptions) (*Pass, error) {
	if err := m.fits(o.S, o.T); err != nil {
		return nil, err
	}
	g := graph.New(m.be, o.Train)
	p := &Pass{PassOptions: o, m: m, targets: ints(g, o.B, o.T), scale: floats(g, 1)}
	p.target = newTextInputs(g, o.B, o.T, o.Second, o.Hide)
	r := recorder{Model: m, g: g, draw: p.target.draw.value, pad: !o.Logits}
	if o.Train {
		r.dropout, r.edgeDrop = o.Dropout, o.EdgeDrop
	}
	logits := r.decode(p.target.text, p.encode(r))
	if o.Logits {
		p.Logits = logits.Keep()
	}
	p.Stats = g.CrossEntropy(logits, p.targets.value, p.scale.value, m.Vocab, o.Smoothing)
	p.outputs = stageOutputs(&p.Stats)
	if o.Arena == nil {
		o.Arena = graph.NewArena(m.be)
	}
	var err error
	if p.prog, err = g.CompileIn(o.Arena); err != nil {
		return nil, err
	}
	p.target.number(m.be)
	if p.source != nil {
		p.source.number(m.be)
	}
	return p, nil
}

// encode records the encoder and returns what the decoder attends to; nil without an encoder.
func (p *Pass) encode(r recorder) *edge {
	if !r.Encoder {
		return nil
	}
	p.source = newTextInputs(r.g, p.B, p.S, false, p.HideSource)
	p.cross = newMask(r.g, p.B, p.T, p.S, false)
	return &edge{keysValues: r.keysValues(r.encode(p.source.text)), mask: p.cross.Mask}
}

// Load uploads a batch and what the plan says of it.
func (p *Pass) Load(b *batch.Batch, plan *mask.Plan) {
	be := p.m.be
	p.target.load(be, b.IDs, &plan.Mask, plan.Rate)
	p.targets.upload(be, plan.Targets)
	if p.source != nil {
		source := &plan.Sources[0]
		p.source.load(be, b.Sources[0].IDs, &source.Self, source.Rate)
		p.cross.upload(be, &source.Cross)
	}
}

// At places the pass in the random streams: draws are those of this seed and step, for rows from first on.
func (p *Pass) At(seed uint64, step, first int) {
	p.target.at(p.m.be, seed, step, first)
	if p.HideSource {
		p.source.at(p.m.be, mask.SourceSeed(seed), step, first)
	}
}

// Supervised says over how many targets the loss is averaged: those of the whole step, or of a mean one.
func (p *Pass) Supervised(n float64) {
	p.scale.room()[0] = 1 / float32(max(n, 1))
	p.scale.send(p.m.be)
}

// Forward computes Stats (and Logits).
func (p *Pass) Forward() { p.prog.Forward() }

// Backward adds the gradient of the mean loss to the parameters' gradients.
func (p *Pass) Backward() { p.prog.Backward() }

// Bytes is the memory the pass holds.
func (p *Pass) Bytes() int { return p.prog.Bytes() }

// Free gives it back.
func (p *Pass) Free() { p.prog.Free() }
