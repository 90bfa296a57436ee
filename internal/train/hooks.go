package train

import (
	"dmtrain/internal/mask"
	"dmtrain/internal/task"
)

// Hooks let a canary observe every batch of a run and plant leaks. No configuration sets them; nil hooks do nothing.
type Hooks struct {
	// Scored receives every batch of training and evaluation with its losses. The batch is valid during the call only.
	Scored func(*task.Batch) error
	// Planned may change a training plan before it is certified.
	Planned func(*task.Batch)
}

// hooked is a training batch for the hooks.
func (s *stepper) hooked(m *microBatch, out mask.Outputs) *task.Batch {
	return &task.Batch{
		Kind:      task.BatchTrain,
		Step:      m.plan.Step,
		Tokenizer: s.tokenizer,
		Rows:      m.rows,
		Plan:      &m.plan,
		Out:       out,
	}
}

// scored adapts the Scored hook to evaluations of the current model; nil without a hook.
func (s *session) scored() task.Scored {
	if s.Hooks.Scored == nil {
		return nil
	}
	return func(b *task.Batch) error {
		b.Step, b.Tokenizer = s.at.Step, s.text.Tokenizer
		return s.Hooks.Scored(b)
	}
}
