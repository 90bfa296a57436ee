package train

import (
	"strings"
	"testing"

	"dmtrain/internal/metrics"
	"dmtrain/internal/recipe"
	"dmtrain/internal/task/fixture"
	"dmtrain/internal/task/lm"
)

func TestDivergedRunsEndWithAMessage(t *testing.T) {
	c := runConfig(t, fixture.Tiny())
	c.Train.LR, c.Train.Warmup, c.Train.EvalEvery = 1e38, 0, 1
	err := Run(t.Context(), quiet(c, Options{}))
	if err == nil || !strings.Contains(err.Error(), "steps in a row had a loss or gradient that is not finite") {
		t.Errorf("%v", err)
	}
	for r, err := range metrics.ReadFile(c.Run.Dir + "/metrics.jsonl") {
		if err != nil {
			t.Fatal(err)
		}
		if r.Eval != nil && r.Eval.Best && !finite(float64(r.Eval.ValidLoss)) {
			t.Errorf("step %d is called the best with a loss of %v", r.Eval.Step, r.Eval.ValidLoss)
		}
	}
}

// Batches beyond the machine's memory are errors of train.batch_size, not the end of the process.
func TestBatchesBeyondMemory(t *testing.T) {
	if _, known := hostMemory(); !known {
		t.Skip("this system does not say how much memory it has")
	}
	for name, micro := range map[string]int{"one pass": 0, "rows one by one": 1} {
		t.Run(name, func(t *testing.T) {
			c := fixture.Tiny()
			c.Train.BatchSize, c.Train.MicroBatch = 1<<31-1, micro
			c.Data.SeqLen = 1000 // not valid as a configuration, but no less to be refused
			_, err := newStepper(openCPU(t, 1), c, lm.Task{}, lm.Task{}.Random(c, 16),
				recipe.MaskRun(c, recipe.Text{Vocab: 16, End: -1, Entropy: 1}, nil))
			if err == nil || !strings.HasPrefix(err.Error(), "train.batch_size: ") {
				t.Errorf("%v", err)
			}
		})
	}
}
