package train

import (
	"context"
	"errors"
	"testing"

	"dmtrain/internal/checkpoint"
	"dmtrain/internal/task/fixture"
)

// The evaluation after the last step can be the best one when the last step has been saved already, because
// train.save_every divides train.steps and train.eval_every does not. The checkpoint must know of it, also in a run
// that was interrupted in between.
func TestLastEvaluationIsSaved(t *testing.T) {
	for name, every := range map[string]int{"only at the end": 0, "of the others": 7} {
		for _, interrupted := range []bool{false, true} {
			c := runConfig(t, fixture.Tiny())
			c.Train.EvalEvery, c.Train.SaveEvery = every, c.Train.Steps/2
			if interrupted {
				ctx, cancel := context.WithCancel(context.Background())
				err := runFaulty(t, ctx, quiet(c, Options{}), c.Train.Steps, func() error {
					cancel()
					return ctx.Err()
				})
				if !errors.Is(err, ErrInterrupted) {
					t.Fatalf("got %v", err)
				}
			}
			mustRun(t, quiet(c, Options{Resume: interrupted}))
			run, err := checkpoint.ViewRun(c.Run.Dir)
			if err != nil {
				t.Fatal(err)
			}
			best, err := run.Best()
			if err != nil || best != c.Train.Steps {
				t.Errorf("evaluated %s, interrupted %v: best is step %d, %v", name, interrupted, best, err)
			}
			if s, err := run.LastState(); err != nil || s.Evaled != c.Train.Steps || s.Evals == 0 {
				t.Errorf("evaluated %s, interrupted %v: saved are %d evaluations, the last at step %d, %v", name,
					interrupted,
					s.Evals, s.Evaled, err)
			}
		}
	}
}
