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

// Result is the outcome of a run.
type Result struct {
	Seed       uint64         `json:"seed"`
	Dir        string         `json:"dir"`
	Best       metrics.Number `json:"best_valid_loss"` // the lowest, under the static mask
	BestStep   int            `json:"best_step"`
	Final      metrics.Number `json:"final_valid_loss"`
	Test       metrics.Number `json:"test_loss"`    // of the best model; null without a test text
	Infill     metrics.Number `json:"infill_loss"`  // of blanks, at BestStep; null for arms without slots
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

// step is the step of the last evaluation; −1 before any.
func (r *Result) step() int {
	if len(r.Curve) == 0 {
		return -1
	}
	return r.Curve[len(r.Curve)-1].Step
}

// result reads the run's log.
func (r *run) result() (*Result, error) {
	nan := metrics.Number(math.NaN())
	out := &Result{
		Seed:   r.config.Run.Seed,
		Dir:    r.config.Run.Dir,
		Best:   nan,
		Final:  nan,
		Test:   nan,
		Infill: nan,
	}
	var seconds []float64
	for record, err := range metrics.ReadFile(filepath.Join(out.Dir, checkpoint.MetricsFile)) {
		switch {
		case err != nil:
			return nil, err
		case record.Eval != nil:
			out.evaluation(record.Eval)
		case record.Test != nil:
			out.Test, out.tested = record.Test.TestLoss, true
		case record.Step == nil:
		case record.Step.Skipped:
			out.Skipped++
		case record.Step.Time.TokensPerS > 0:
			seconds = append(seconds, float64(record.Step.Tokens)/record.Step.Time.TokensPerS)
		}
	}
	out.TokensPerS = metrics.Number(r.tokens / median(seconds))
	return out, nil
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

// median sorts v; it is NaN if v is empty.
func median(v []float64) float64 {
	if len(v) == 0 {
		return math.NaN()
	}
	slices.Sort(v)
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}

// text identifies the training and validation text of a finished run.
func (r *run) text() (_ string, err error) {
	dir, err := checkpoint.ViewRun(r.config.Run.Dir)
	if err != nil {
		return "", err
	}
	saved, err := dir.LoadModel("last")
	if err != nil {
		return "", fmt.Errorf("%w; delete %s to train it again", err, r.config.Run.Dir)
	}
	defer func() { err = errors.Join(err, saved.Close()) }()
	text, err := json.Marshal(saved.State.Data)
	return string(text), err
}
