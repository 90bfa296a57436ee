package train

import (
	"math"
	"strings"
	"testing"

	"dmtrain/internal/metrics"
	"dmtrain/internal/recipe"
)

// A model that has diverged has losses and confidences that are no numbers; evaluating it must not fail.
func TestEvaluationOfADivergedModel(t *testing.T) {
	nan := float32(math.NaN())
	var sum tally
	sum.add(nan, nan, false)
	sum.add(1, float32(math.Inf(1)), false)
	sum.add(1, 1, true)
	s := sum.score()
	if !math.IsNaN(s.Loss) || s.Tokens != 3 || s.Accuracy != 1.0/3 || s.ECE != 2.0/3 {
		t.Errorf("%+v", s)
	}
}

func TestDivergedRunsEndWithAMessage(t *testing.T) {
	c := runConfig(t, tiny())
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
			c := tiny()
			c.Train.BatchSize, c.Train.MicroBatch = 1<<31-1, micro
			c.Data.SeqLen = 1000 // not valid as a configuration, but no less to be refused
			_, err := newStepper(openCPU(t, 1), c, recipe.MaskRun(c, recipe.Text{Vocab: 16, End: -1, Entropy: 1}, nil), randomRows(1, 16))
			if err == nil || !strings.HasPrefix(err.Error(), "train.batch_size: ") {
				t.Errorf("%v", err)
			}
		})
	}
}
