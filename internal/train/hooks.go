package train

import (
	"dmtrain/internal/batch"
	"dmtrain/internal/mask"
	"dmtrain/internal/metrics"
	"dmtrain/internal/tokenizer"
)

// Hooks let a canary look at every batch of a run, and plant leaks to see whether it would find them. Nothing of a configuration reaches
// them; nil does nothing.
type Hooks struct {
	// Scored gets every batch of training and evaluation once its losses are known. What it gets is valid during the call only.
	Scored func(*Batch) error
	// Planned may change a training plan before it is certified.
	Planned func(*Batch)
}

// The kinds of batches.
const (
	BatchTrain  = "train"
	BatchValid  = "valid"  // under the static mask
	BatchInfill = "infill" // blanks at a fixed rate
)

// Batch is rows of text, their masks and, once they are known, their losses.
type Batch struct {
	Kind      string
	Step      int // training: the step being taken; evaluation: steps taken
	Tokenizer tokenizer.Tokenizer
	Rows      *batch.Batch
	Plan      *mask.Plan
	Out       mask.Outputs
}

// tokens gives f every supervised token of a batch of an evaluation of task lm, in order.
func (b *Batch) tokens(f TokenFunc) error {
	for n, target := range b.Plan.Targets {
		if target < 0 {
			continue
		}
		at := (b.Rows.First+n/b.Rows.T)*b.Rows.T + n%b.Rows.T + 1
		if err := f(Token{at, target, metrics.Number32(b.Out.NLL[n]), metrics.Number32(b.Out.Conf[n]), metrics.Number32(b.Out.Entropy[n])}); err != nil {
			return err
		}
	}
	return nil
}

// batch is the micro-batch as hooks see it.
func (m *micro) batch(tok tokenizer.Tokenizer) *Batch {
	return &Batch{Kind: BatchTrain, Step: m.plan.Step, Tokenizer: tok, Rows: m.rows, Plan: &m.plan, Out: m.lane.out.Outputs}
}
