package metrics

import (
	"encoding/json"
	"math"

	"dmtrain/internal/data"
	"dmtrain/internal/mask"
)

// Number is a float64 for JSON: NaN and the infinities are written as null, and null is read as NaN.
type Number float64

// MarshalJSON implements json.Marshaler.
func (n Number) MarshalJSON() ([]byte, error) {
	if math.IsNaN(float64(n)) || math.IsInf(float64(n), 0) {
		return []byte("null"), nil
	}
	return json.Marshal(float64(n))
}

// Number32 is a Number with the digits of a float32.
type Number32 float32

// MarshalJSON implements json.Marshaler.
func (n Number32) MarshalJSON() ([]byte, error) {
	if n-n != 0 {
		return []byte("null"), nil
	}
	return json.Marshal(float32(n))
}

// UnmarshalJSON implements json.Unmarshaler.
func (n *Number) UnmarshalJSON(text []byte) error {
	if string(text) == "null" {
		*n = Number(math.NaN())
		return nil
	}
	return json.Unmarshal(text, (*float64)(n))
}

// The values of "kind".
const (
	KindStep = "step"
	KindEval = "eval"
	KindTest = "test"
	KindData = "data"
)

// Step is the record of one optimiser step.
type Step struct {
	Kind     string  `json:"kind"` // set by Log.Write
	Step     int     `json:"step"` // from 1: optimiser steps done, this one included
	Loss     Number  `json:"loss"` // nats per supervised token
	LR       float64 `json:"lr"`
	GradNorm Number  `json:"grad_norm"` // global norm, before clipping
	Tokens   int     `json:"tokens"`    // supervised tokens of this step
	Skipped  bool    `json:"skipped"`   // loss or gradient was not finite: the parameters are as before
	// Hidden is the hidden share of the input's tokens, those of anchor rows (which hide none) included.
	Hidden float64      `json:"hidden"`
	Mask   *mask.Record `json:"mask,omitempty"`
	Time   Time         `json:"time"`
}

// Time is the part of a record that differs between runs of one configuration.
type Time struct {
	ElapsedS   float64 `json:"elapsed_s"`              // since the first step, without pauses between processes
	TokensPerS float64 `json:"tokens_per_s,omitempty"` // of this step
}

// Eval is the record of one evaluation on the validation text, under the static mask.
type Eval struct {
	Kind        string  `json:"kind"`       // set by Log.Write
	Step        int     `json:"step"`       // number of steps taken
	ValidLoss   Number  `json:"valid_loss"` // nats per token
	Perplexity  Number  `json:"perplexity"`
	BitsPerByte Number  `json:"bits_per_byte,omitempty"` // absent if the number of bytes is not known
	Accuracy    float64 `json:"accuracy"`
	ECE         float64 `json:"ece"` // expected calibration error of the confidence (Guo et al. 2017)
	Tokens      int     `json:"tokens"`
	Infill      *Infill `json:"infill,omitempty"`
	Pairs       *Pairs  `json:"pairs,omitempty"` // task seq2seq
	Best        bool    `json:"best"`            // the best evaluation so far
	Time        Time    `json:"time"`
}

// Test is the record of the evaluation of the best model on the test text, at the end of a run.
type Test struct {
	Kind        string  `json:"kind"`      // set by Log.Write
	Step        int     `json:"step"`      // of the model
	TestLoss    Number  `json:"test_loss"` // nats per token
	Perplexity  Number  `json:"perplexity"`
	BitsPerByte Number  `json:"bits_per_byte,omitempty"` // absent if the number of bytes is not known
	Accuracy    float64 `json:"accuracy"`
	ECE         float64 `json:"ece"`
	Tokens      int     `json:"tokens"`
	Infill      *Infill `json:"infill,omitempty"`
	Pairs       *Pairs  `json:"pairs,omitempty"` // task seq2seq
	ValidLoss   Number  `json:"valid_loss"`      // of the same model
	BestOf      int     `json:"best_of"`         // number of evaluations that the model was chosen from
	Looks       int     `json:"looks"`           // number of evaluations on the test text so far
	Time        Time    `json:"time"`
}

// Data is the first record: the overlaps of held-out text with the training text.
type Data struct {
	Kind         string             `json:"kind"`                   // set by Log.Write
	Overlaps     []data.Overlap     `json:"overlap,omitempty"`      // task lm
	PairOverlaps []data.PairOverlap `json:"pair_overlap,omitempty"` // task seq2seq
}

// NewTest is the record of an evaluation on the test text.
func NewTest(e Eval) Test {
	return Test{
		Step:        e.Step,
		TestLoss:    e.ValidLoss,
		Perplexity:  e.Perplexity,
		BitsPerByte: e.BitsPerByte,
		Accuracy:    e.Accuracy,
		ECE:         e.ECE,
		Tokens:      e.Tokens,
		Infill:      e.Infill,
		Pairs:       e.Pairs,
		Time:        e.Time,
	}
}

// Pairs is the quality of greedily decoded targets.
type Pairs struct {
	Exact  float64 `json:"exact"` // this and the following are percentages
	BLEU   float64 `json:"bleu"`
	ChrF   float64 `json:"chrf"`
	ROUGE1 float64 `json:"rouge1"` // F1
	ROUGE2 float64 `json:"rouge2"`
	ROUGEL float64 `json:"rougel"`
	Pairs  int     `json:"pairs"`
}

// Infill is how well hidden tokens were predicted from both sides.
type Infill struct {
	Loss     Number  `json:"loss"` // nats per hidden token
	Accuracy float64 `json:"accuracy"`
	Tokens   int     `json:"tokens"`
}
