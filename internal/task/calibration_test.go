package task

import (
	"math"
	"testing"
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
