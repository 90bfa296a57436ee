package train

import (
	"dmtrain/internal/batch"
	"dmtrain/internal/mask"
	"dmtrain/internal/task"
)

// Hooks let a canary look at every batch of a run, and plant leaks to see whether it would find them. Nothing of a
// configuration reaches them; nil does nothing.
type Hooks struct {
	// Scored gets every batch of training and evaluation once its losses are known. What it gets is valid during
	// the call only.
	Scored func(*task.Batch) error
	// Planned may change a training plan before it is certified.
	Planned func(*task.Batch)
}

// seen is a training batch as hooks see it.
func (s *stepper) seen(m *micro, out mask.Outputs) *task.Batch {
	return &task.Batch{
		Kind:      task.BatchTrain,
		Step:      m.plan.Step,
		Tokenizer: s.tokenizer,
		Rows:      m.rows,
		Plan:      &m.plan,
		Out:       out,
	}
}

// scored is the hook of that name for an evaluation of the model as it is now; nil without one.
func (s *session) scored() task.Scored {
	if s.Hooks.Scored == nil {
		return nil
	}
	return func(kind string, b *batch.Batch, p *mask.Plan, out mask.Outputs) error {
		return s.Hooks.Scored(&task.Batch{
			Kind:      kind,
			Step:      s.at.Step,
			Tokenizer: s.text.Tokenizer,
			Rows:      b,
			Plan:      p,
			Out:       out,
		})
	}
}
