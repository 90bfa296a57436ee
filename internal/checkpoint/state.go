package checkpoint

import (
	"encoding/json"
	"fmt"

	"dmtrain/internal/textio"
)

// stateFormat is the version of state.json that this program writes and reads.
const stateFormat = 1

// State is the state of a run besides its tensors. Numbers must be finite, since JSON has no others.
type State struct {
	Format  int    `json:"format"`  // set by Save
	Version string `json:"version"` // of the program that saved it

	Step   int    `json:"step"`   // optimiser steps taken; the number in the directory's name
	Tokens int64  `json:"tokens"` // supervised tokens so far
	Seed   uint64 `json:"seed"`   // with Step it determines the data and every random draw

	Evaled int `json:"evaled"` // step of the last evaluation; −1 before any
	// EvalDue says that the evaluation of this step was interrupted and is still to be made.
	EvalDue   bool    `json:"eval_due,omitempty"`
	Best      *Best   `json:"best"`             // nil before the first evaluation
	BadEvals  int     `json:"bad_evals"`        // evaluations since Best
	Evals     int     `json:"evals,omitempty"`  // number of evaluations that Best was chosen from
	Tested    *Tested `json:"tested,omitempty"` // nil before the end of the run, or without a test text
	Skipped   int     `json:"skipped"`          // steps whose loss or gradient was not finite
	BadInARow int     `json:"bad_in_row"`       // of these, the latest without a good step between

	MetricsBytes int64   `json:"metrics_bytes"` // length of metrics.jsonl at this step
	ElapsedS     float64 `json:"elapsed_s"`     // seconds of training, over all processes

	// State of other packages, in their own JSON.
	Mask      json.RawMessage `json:"mask,omitempty"`      // the mask controller's
	Data      json.RawMessage `json:"data,omitempty"`      // the text's identity
	Optimizer json.RawMessage `json:"optimizer,omitempty"` // the optimiser's, besides its tensors
}

// Best is the best evaluation so far. A checkpoint must be saved at its step, for "best" to find it.
type Best struct {
	Step  int     `json:"step"`
	Loss  float64 `json:"loss"`            // nats per token
	Score float64 `json:"score,omitempty"` // train.metric, higher being better; 0 for metric loss
}

// Tested is the last evaluation on the test text.
type Tested struct {
	Step  int `json:"step"`  // of the model
	Looks int `json:"looks"` // number of evaluations on the test text
}

func encodeState(s State) ([]byte, error) {
	s.Format = stateFormat
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("%s: %w", stateName, err)
	}
	return append(text, '\n'), nil
}

func decodeState(text []byte) (State, error) {
	var s State
	if err := textio.UnmarshalJSON(text, &s); err != nil {
		return s, fmt.Errorf("%s: %w", stateName, err)
	}
	if s.Format != stateFormat {
		return s, fmt.Errorf("%s: format %d, this program reads %d", stateName, s.Format, stateFormat)
	}
	return s, nil
}
