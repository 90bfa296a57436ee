package checkpoint

import (
	"encoding/json"
	"fmt"

	"dmtrain/internal/textio"
)

// stateFormat is the version of state.json that this program writes and reads.
const stateFormat = 1

// State is everything about a run that has state and is not a tensor. Numbers must be finite: JSON has
// no others.
type State struct {
	Format  int    `json:"format"`  // set by Save
	Version string `json:"version"` // of the program that saved it

	Step   int    `json:"step"`   // optimiser steps done; the directory's number
	Tokens int64  `json:"tokens"` // supervised tokens seen
	Seed   uint64 `json:"seed"`   // with Step it is the data position and the state of every random stream

	Evaled int `json:"evaled"` // step of the last evaluation; −1 before any
	// the evaluation of this step was interrupted: the next process makes it
	EvalDue   bool    `json:"eval_due,omitempty"`
	Best      *Best   `json:"best"`             // nil until an evaluation was made
	BadEvals  int     `json:"bad_evals"`        // evaluations since Best
	Evals     int     `json:"evals,omitempty"`  // from which Best was chosen
	Tested    *Tested `json:"tested,omitempty"` // nil until the run came to its end, or without a test text
	Skipped   int     `json:"skipped"`          // steps skipped for a loss or gradient that was not finite
	BadInARow int     `json:"bad_in_row"`       // of these, how many just now without a good one between

	MetricsBytes int64   `json:"metrics_bytes"` // length of metrics.jsonl at this step
	ElapsedS     float64 `json:"elapsed_s"`     // seconds spent training, over all resumptions

	// The state of other packages, in their own JSON.
	Mask      json.RawMessage `json:"mask,omitempty"`      // the mask controller's
	Data      json.RawMessage `json:"data,omitempty"`      // the loader's, beyond seed and step: what the text was
	Optimizer json.RawMessage `json:"optimizer,omitempty"` // what the optimiser has besides its tensors
}

// Best is the evaluation with the lowest validation loss so far. A checkpoint of its step must be saved
// at that step, for "best" to find it.
type Best struct {
	Step  int     `json:"step"`
	Loss  float64 `json:"loss"`            // nats per token
	Score float64 `json:"score,omitempty"` // train.metric, higher being better; 0 where that is loss
}

// Tested is the last look at the test text.
type Tested struct {
	Step  int `json:"step"` // of the model
	Looks int `json:"looks"`
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
