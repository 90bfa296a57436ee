package task

import (
	"context"

	"dmtrain/internal/batch"
	"dmtrain/internal/config"
	"dmtrain/internal/graph"
	"dmtrain/internal/mask"
	"dmtrain/internal/metrics"
	"dmtrain/internal/model"
	"dmtrain/internal/tokenizer"
)

// How many tokens evaluations of filling blanks hide: those on the way the first, a report both.
const (
	BlankRate  = 0.15
	ManyBlanks = 0.5
)

// The kinds of batches.
const (
	BatchTrain  = "train"
	BatchValid  = "valid"  // under the static mask
	BatchInfill = "infill" // blanks at a fixed rate
)

// Batch is rows, their masks and, once they are known, their losses.
type Batch struct {
	Kind      string
	Step      int                 // training: the step being taken; evaluation: steps taken. Set by the run
	Tokenizer tokenizer.Tokenizer // set by the run
	Rows      *batch.Batch
	Plan      *mask.Plan
	Out       mask.Outputs
}

// Scored hears every batch of an evaluation once its losses are known; nil hears none. What it gets is valid during
// the call only.
type Scored func(*Batch) error

// Evaluator measures a model on held rows: always under the static mask, so that runs can be compared, and on
// blanks where the model was trained to fill them.
type Evaluator struct {
	model   *model.Model
	planner *mask.Planner
	held    Held
	options model.PassOptions
	static  *model.Pass
	infill  *model.Pass // nil until asked for
	rows    *batch.Batch
	plan    mask.Plan
}

// NewEvaluator records a pass. The arena, which may be nil, is of passes that never run at the same time as it.
func NewEvaluator(m *model.Model, p *mask.Planner, held Held, arena *graph.Arena) (*Evaluator, error) {
	s := held.Shape()
	e := &Evaluator{
		model:   m,
		planner: p,
		held:    held,
		rows:    s.Batch(s.Rows),
	}
	e.options = model.PassOptions{
		B:      s.Rows,
		S:      s.S,
		T:      s.T,
		Second: p.Tagged(),
		Arena:  arena,
	}
	var err error
	e.static, err = m.NewPass(e.options)
	return e, err
}

// Free gives the passes' memory back.
func (e *Evaluator) Free() {
	e.static.Free()
	if e.infill != nil {
		e.infill.Free()
	}
}

// Measure reads all rows, or so many batches unless that is 0. It returns the loss that decides which model is best.
func (e *Evaluator) Measure(
	ctx context.Context, c config.Config, step, batches int, each Scored,
) (metrics.Eval, float64, error) {
	score, err := e.Loss(ctx, batches, each)
	if err != nil {
		return metrics.Eval{}, 0, err
	}
	m, loss := score.Record(step), score.Loss
	if c.Mask.Slots() {
		blanks, err := e.Blanks(ctx, batches, BlankRate, each)
		if err != nil {
			return m, 0, err
		}
		m.Infill = blanks.Infill()
		if score.Tokens == 0 { // the structure shows every token that is not hidden
			loss = blanks.Loss
		}
	}
	m.Pairs, err = e.held.Quality(ctx, e.model, c, e.count(batches))
	return m, loss, err
}

// Loss scores rows under the static mask.
func (e *Evaluator) Loss(ctx context.Context, batches int, each Scored) (Score, error) {
	var sum tally
	err := e.batches(ctx, batches, func() error {
		e.planner.PlanStatic(&e.plan, e.rows, 0)
		return e.forward(e.static, BatchValid, &sum, each)
	})
	s := sum.score()
	if bytes := e.held.Bytes(); batches == 0 && sum.tokens == e.held.Targets() && bytes > 0 {
		s.BitsPerByte = metrics.BitsPerByte(sum.nll, int64(bytes))
	}
	return s, err
}

// Blanks scores tokens hidden at the given rate, from both sides.
func (e *Evaluator) Blanks(ctx context.Context, batches int, rate float64, each Scored) (Score, error) {
	if e.infill == nil {
		o := e.options
		o.Hide = true
		pass, err := e.model.NewPass(o)
		if err != nil {
			return Score{}, err
		}
		e.infill = pass
	}
	var sum tally
	err := e.batches(ctx, batches, func() error {
		// rows are numbered through the text: draws differ without a batch number
		e.planner.PlanInfill(&e.plan, e.rows, 0, rate)
		e.infill.At(e.planner.Seed(), e.plan.Step, e.rows.First)
		return e.forward(e.infill, BatchInfill, &sum, each)
	})
	return sum.score(), err
}

// count is how many rows so many batches have.
func (e *Evaluator) count(batches int) int {
	if batches == 0 {
		return e.held.Len()
	}
	return min(batches*e.rows.B, e.held.Len())
}

// batches lays out the rows batch by batch.
func (e *Evaluator) batches(ctx context.Context, limit int, each func() error) error {
	for first := 0; first < e.count(limit); first += e.rows.B {
		if err := ctx.Err(); err != nil {
			return err
		}
		e.rows.First = first
		e.held.Fill(e.rows)
		if err := each(); err != nil {
			return err
		}
	}
	return nil
}

func (e *Evaluator) forward(p *model.Pass, kind string, sum *tally, each Scored) error {
	p.Load(e.rows, &e.plan)
	p.Forward()
	out, err := p.Outputs()
	if err != nil {
		return err
	}
	for n, target := range e.plan.Targets {
		if target >= 0 {
			sum.add(out.NLL[n], out.Conf[n], out.Argmax[n] == target)
		}
	}
	if each == nil {
		return nil
	}
	return each(&Batch{Kind: kind, Rows: e.rows, Plan: &e.plan, Out: out})
}
