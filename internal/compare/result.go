package compare

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"

	"dmtrain/internal/checkpoint"
	"dmtrain/internal/metrics"
)

// Result is what a trial came to.
type Result struct {
	Seed       uint64         `json:"seed"`
	Dir        string         `json:"dir"`
	Best       metrics.Number `json:"best_valid_loss"` // the lowest, under the static mask
	BestStep   int            `json:"best_step"`
	Final      metrics.Number `json:"final_valid_loss"`
	Test       metrics.Number `json:"test_loss"`    // of the best model, on text that chose nothing; null without
	Infill     metrics.Number `json:"infill_loss"`  // of the blanks, at BestStep; null where the arm does not fill any
	TokensPerS metrics.Number `json:"tokens_per_s"` // input tokens, in the median step
	Skipped    int            `json:"skipped"`      // steps whose loss or gradient was not finite
	Curve      []Point        `json:"curve"`

	tested bool
}

// Point is an evaluation.
type Point struct {
	Step  int            `json:"step"`
	Valid metrics.Number `json:"valid_loss"`
}

// step is that of the last evaluation, −1 before any.
func (r *Result) step() int {
	if len(r.Curve) == 0 {
		return -1
	}
	return r.Curve[len(r.Curve)-1].Step
}

// result reads the trial's records.
func (t *trial) result() (*Result, error) {
	nan := metrics.Number(math.NaN())
	r := &Result{
		Seed:   t.config.Run.Seed,
		Dir:    t.config.Run.Dir,
		Best:   nan,
		Final:  nan,
		Test:   nan,
		Infill: nan,
	}
	var seconds []float64
	for record, err := range metrics.ReadFile(filepath.Join(r.Dir, checkpoint.MetricsFile)) {
		switch {
		case err != nil:
			return nil, err
		case record.Eval != nil:
			r.evaluation(record.Eval)
		case record.Test != nil:
			r.Test, r.tested = record.Test.TestLoss, true
		case record.Step == nil:
		case record.Step.Skipped:
			r.Skipped++
		case record.Step.Time.TokensPerS > 0:
			seconds = append(seconds, float64(record.Step.Tokens)/record.Step.Time.TokensPerS)
		}
	}
	r.TokensPerS = metrics.Number(t.tokens / median(seconds))
	return r, nil
}

func (r *Result) evaluation(e *metrics.Eval) {
	r.Curve = append(r.Curve, Point{e.Step, e.ValidLoss})
	r.Final = e.ValidLoss
	if !e.Best {
		return
	}
	r.Best, r.BestStep = e.ValidLoss, e.Step
	if e.Infill != nil {
		r.Infill = e.Infill.Loss
	}
}

// median is NaN of nothing.
func median(v []float64) float64 {
	if len(v) == 0 {
		return math.NaN()
	}
	slices.Sort(v)
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}

// text identifies what a finished trial was trained and validated on.
func (t *trial) text() (_ string, err error) {
	run, err := checkpoint.ViewRun(t.config.Run.Dir)
	if err != nil {
		return "", err
	}
	saved, err := run.LoadModel("last")
	if err != nil {
		return "", fmt.Errorf("%w; delete %s to train it again", err, t.config.Run.Dir)
	}
	defer func() { err = errors.Join(err, saved.Close()) }()
	text, err := json.Marshal(saved.State.Data)
	return string(text), err
}
