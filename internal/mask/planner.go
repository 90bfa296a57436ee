package mask

import (
	"slices"

	"dmtrain/internal/batch"
	"dmtrain/internal/rng"
)

// Evaluation draws come from steps that training never reaches, so that every evaluation of a run hides the same
// tokens.
const evalStep = 1 << 30

// Run is what masks have to know of the run they belong to.
type Run struct {
	SeqLen  int     // tokens a row
	Steps   int     // optimiser steps
	Warmup  int     // learning-rate warm-up, steps
	Vocab   int     // classes predicted
	End     int32   // the token that ends a document; −1: none does
	Entropy float64 // unigram entropy of the training tokens, nats
	Yoke    *Yoke   // control yoked: the openness to replay

	CausalEncoder bool // no token of a source sees a later one
}

// Planner makes plans. It has no state: a plan is a function of the seed, the rows, the step and the controller's
// State, so it comes out the same for any split of a batch into micro-batches, in any order, after any resume.
type Planner struct {
	cfg  Config
	seed uint64
	run  Run
	st   structure

	form    form
	control control
}

// NewPlanner makes the planner of a run. The error lists everything wrong with cfg.
func NewPlanner(cfg Config, seed uint64, run Run) (*Planner, error) {
	if err := cfg.valid(); err != nil {
		return nil, err
	}
	cfg = cfg.resolve(run)
	if run.SeqLen < 1 {
		panic("mask: Run.SeqLen is not set")
	}
	st := structure{kind: cfg.Structure, window: int32(cfg.Window), sinks: int32(cfg.Sinks)}
	return &Planner{
		cfg:     cfg,
		seed:    seed,
		run:     run,
		st:      st,
		form:    formOf(cfg.Form),
		control: controlOf(cfg.Control),
	}, nil
}

// Config is the planner's configuration with every "0 = default" filled in.
func (p *Planner) Config() Config { return p.cfg }

// Plan fills dst for a training step. Openness comes from s, which must know nothing of this step or a later one: a
// mask may depend on what earlier steps showed, never on this batch's losses.
func (p *Planner) Plan(dst *Plan, rows *batch.Batch, step int, s State) {
	if s.Next > step {
		panic("mask: a plan from a state that has already observed its step")
	}
	if len(s.Buckets) == 0 {
		panic("mask: a plan from a state without buckets")
	}
	if p.control.firstLook {
		panic("mask: control two_pass plans with PlanTwoPass")
	}
	p.fill(dst, rows, step, p.training(s))
}

// PlanStatic fills dst with the static structure, nothing hidden: the plan of evaluation.
func (p *Planner) PlanStatic(dst *Plan, rows *batch.Batch, step int) {
	p.fill(dst, rows, step, opening{})
}

// PlanInfill fills dst for measuring how well the model fills blanks: every token but a document's first and last
// is hidden at the given rate, and slots see as far as openness 1 lets them, and alone bear a loss. (Further than
// in training would measure something else: models make worse predictions from distances they never saw.) Batch
// numbers the evaluation's batches; draws differ between them and repeat in every evaluation.
func (p *Planner) PlanInfill(dst *Plan, rows *batch.Batch, batch int, rate float64) {
	if !(rate > 0 && rate <= 1) {
		panic("mask: infill is measured at a rate above 0, up to 1")
	}
	p.fill(dst, rows, evalStep+batch, opening{form: formOf(FormInfill), rate: rate, full: true})
	dst.dropCausalTargets()
}

// PlanSlots fills dst with slots of the caller's choice, for filling blanks and decoding in parallel: windows (B,
// T) holds a slot's look-ahead, clipped to its document, and −1 where there is none. Everything else stays static.
func (p *Planner) PlanSlots(dst *Plan, rows *batch.Batch, windows []int32) {
	if len(windows) != rows.B*rows.T {
		panic("mask: a window for every position is needed")
	}
	p.fill(dst, rows, 0, opening{form: formOf(FormInfill), given: windows})
}

// dropCausalTargets leaves the loss to the slots.
func (p *Plan) dropCausalTargets() {
	p.Supervised = 0
	for n, h := range p.Hidden {
		if h == 0 {
			p.Targets[n], p.Answer[n] = -1, -1
		} else {
			p.Supervised++
		}
	}
}

// opening is how a plan departs from the static structure.
type opening struct {
	form    form       // the static structure's has nothing in it
	source  float64    // rate of hiding a token of a source
	buckets []Bucket   // openness by position
	anchors int        // every n-th row stays static; 0 = none
	rate    float64    // over 0: hides at this rate, whatever the configuration says
	full    bool       // slots see as far as openness 1 lets them
	given   []int32    // over nil: the slots and their windows
	closed  bool       // slots see nothing ahead: two_pass's first look
	first   *FirstPass // two_pass: what the first look said
}

// training is how a training step opens at a controller's state.
func (p *Planner) training(s State) opening {
	return opening{
		form:    p.form,
		source:  p.cfg.SourceProb,
		buckets: s.Buckets,
		anchors: p.cfg.Anchors,
	}
}

func (p *Planner) fill(dst *Plan, rows *batch.Batch, step int, o opening) {
	dst.reset(rows, step, p.st.tagged())
	for b := range rows.B {
		dst.Anchor[b] = !o.form.hides || p.anchor(rows.First+b, step, o.anchors)
		p.rates(dst, rows, b, o)
		from, to := b*dst.T, (b+1)*dst.T
		p.draw(p.seed, dst, b, dst.Rate[from:to], dst.Hidden[from:to])
		p.vectors(dst, rows, b, o)
		p.targets(dst, rows, b, o)
		for i := range rows.Sources {
			p.source(dst, &dst.Sources[i], &rows.Sources[i], b, o)
		}
	}
}

// anchor says whether a row of a step stays static where every n-th does.
func (p *Planner) anchor(row, step, n int) bool { return n > 0 && (row+step)%n == 0 }

// rates sets the probability of hiding each token of a row.
func (p *Planner) rates(dst *Plan, rows *batch.Batch, b int, o opening) {
	for t := range rows.T {
		n := b*rows.T + t
		dst.Rate[n] = 0
		if !dst.Anchor[b] && rows.Start[n] >= 0 {
			dst.Rate[n] = float32(p.hideRate(rows, n, t, o))
		}
	}
}

// hideRate is the probability of hiding token n, which stands at t of its row. A document's first token in the row
// and its last are never drawn, in no form: its bounds are made from them, and what a mask is made from must not be
// hidden (see RepeatEnds). Besides, nothing before the first could tell what it is, and every slot has something to
// see.
func (p *Planner) hideRate(rows *batch.Batch, n, t int, o opening) float64 {
	start, last := int(rows.Start[n]), int(rows.End[n])-1
	switch {
	case o.given != nil:
		if o.given[n] < 0 {
			return 0
		}
		return 1
	case t == start || t == last:
		return 0
	case o.rate > 0:
		return o.rate
	}
	return o.form.rate(&p.cfg, p.openness(o.buckets, t-start))
}

// draw hides the tokens of row b of a stream at their rates, exactly as the bernoulli kernel does.
func (p *Planner) draw(seed uint64, dst *Plan, b int, rate []float32, hidden []uint8) {
	if !slices.ContainsFunc(rate, func(r float32) bool { return r > 0 }) {
		clear(hidden)
		return
	}
	for t := 0; t < len(rate); t += 4 {
		u := rng.Block(seed, rng.Hide, uint32(dst.Step), uint32(dst.First+b), uint32(t/4))
		for c := t; c < min(t+4, len(rate)); c++ {
			hidden[c] = 0
			if rng.Unit(u[c-t]) < rate[c] {
				hidden[c] = 1
			}
		}
	}
}

// vectors sets what each position sees.
func (p *Planner) vectors(dst *Plan, rows *batch.Batch, b int, o opening) {
	m := &dst.Mask
	for t := range rows.T {
		n, i := b*rows.T+t, int32(t)
		start, end := rows.Start[n], rows.End[n]
		dst.Window[n] = 0
		if start < 0 {
			m.blank(n, i)
			continue
		}
		m.Pos[n], m.Lo[n], m.Hi[n] = p.st.level(i, start), p.st.lowest(i, start), p.st.highest(i, start, end)
		if m.Tag != nil {
			m.Tag[n], m.A[n], m.B[n] = i, 0, p.st.last(i, start)
		}
		if o.form.slots && dst.Hidden[n] != 0 {
			w := p.window(dst, rows, b, t, o)
			m.Pos[n], m.Hi[n] = Inf, p.st.highestSlot(i, w, start)
			dst.Window[n] = w
		}
	}
}

// blank makes n, which is padding, see and be seen by nothing. Its bounds are the neutral ones of minimum and
// maximum, so that they never widen a tile.
func (m *Mask) blank(n int, i int32) {
	m.Pos[n], m.Lo[n], m.Hi[n] = Inf, Inf, -1
	if m.Tag != nil {
		m.Tag[n], m.A[n], m.B[n] = i, Inf, -1
	}
}

// window is how many tokens past itself the slot at t sees, within its document.
func (p *Planner) window(dst *Plan, rows *batch.Batch, b, t int, o opening) int32 {
	n := b*rows.T + t
	room := rows.End[n] - 1 - int32(t)
	switch {
	case o.closed:
		return 0
	case o.full:
		return min(int32(p.cfg.MaxWindow), room)
	case o.given != nil:
		return min(o.given[n], room)
	case o.first != nil:
		return min(p.confidentWindow(o.first, dst.Step, n), room)
	}
	w := p.cfg.maxWindow(p.openness(o.buckets, t-int(rows.Start[n])))
	return min(int32(rng.Below(p.seed, rng.Window, uint32(dst.Step), uint32(dst.First+b), uint32(t), w+1)), room)
}

// openness is u at a position within its document.
func (p *Planner) openness(buckets []Bucket, at int) float64 {
	return buckets[bucketOf(at, len(buckets), p.run.SeqLen)].Openness
}

// bucketOf is the controller state in charge of a position within its document.
func bucketOf(at, buckets, seqLen int) int { return min(at*buckets/seqLen, buckets-1) }

// targets sets what each position is to predict. A slot predicts its own token. Everyone else predicts the next one,
// unless the structure shows it: then the position bears no loss.
func (p *Planner) targets(dst *Plan, rows *batch.Batch, b int, o opening) {
	for t := range rows.T {
		n, i := b*rows.T+t, int32(t)
		target, answer := rows.Next[n], i+1
		switch {
		case rows.Start[n] < 0:
			target = -1
		case o.form.slots && dst.Hidden[n] != 0:
			target, answer = rows.IDs[n], i
		case t+1 == rows.T:
			answer = -1
		case target >= 0 && dst.Hidden[n+1] == 0 && !p.st.answerable(i, i+1, rows.Start[n], rows.End[n]):
			target = -1
		}
		if target < 0 {
			target, answer = -1, -1
		} else {
			dst.Supervised++
		}
		dst.Targets[n], dst.Answer[n] = target, answer
	}
}

// Tagged says whether plans have a second interval.
func (p *Planner) Tagged() bool { return p.st.tagged() }

// Seed is the seed of its draws.
func (p *Planner) Seed() uint64 { return p.seed }
