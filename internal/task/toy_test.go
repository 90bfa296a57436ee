package task_test

import (
	"context"
	"errors"
	"strconv"

	"dmtrain/internal/batch"
	"dmtrain/internal/config"
	"dmtrain/internal/metrics"
	"dmtrain/internal/model"
	"dmtrain/internal/recipe"
	"dmtrain/internal/rng"
	"dmtrain/internal/task"
	"dmtrain/internal/tokenizer"
)

// toy is a third task: numbers in, a class out. A row is four digits and the parity of the first, which alone is
// predicted.
type toy struct{}

const (
	numbers  = 4
	rowLen   = numbers + 1
	toyRows  = 64
	toyHeld  = 50
	alphabet = "0123456789eo"
)

func (toy) Name() string                                  { return "toy" }
func (toy) About() string                                 { return "numbers in, a class out" }
func (toy) Starter() []byte                               { return []byte("task: toy\n") }
func (toy) Builtin() string                               { return "builtin:digits" }
func (toy) Next(run string) string                        { return "dmtrain eval --run " + run }
func (toy) Model(c config.Config, vocab int) model.Config { return recipe.Model(c, vocab) }
func (toy) Random(c config.Config, vocab int) task.Rows   { return digits{nil, c.Run.Seed, toyRows} }
func (toy) Problems(c config.Config) (problems []config.Problem) {
	if c.Data.SeqLen != rowLen {
		problems = append(problems, config.Problem{Key: "data.seq_len", Text: "must be " + strconv.Itoa(rowLen)})
	}
	return problems
}

func (toy) OpenData(config.Config, []string, tokenizer.Tokenizer) (*task.Text, error) {
	return nil, errors.New("--data: there is none but its own")
}

func (toy) Open(c config.Config, o task.Options) (_ *task.Text, err error) {
	if o.Tokenizer == nil {
		kind := tokenizer.Config{Kind: "char"}
		s := tokenizer.NewSurvey(kind)
		s.Add([]byte(alphabet))
		if o.Tokenizer, err = tokenizer.New(kind, s); err != nil {
			return nil, err
		}
	}
	return &task.Text{
		Tokenizer: o.Tokenizer,
		Entropy:   1,
		Train:     digits{o.Tokenizer, c.Run.Seed, toyRows},
		Valid:     heldDigits{digits{o.Tokenizer, 1000, toyHeld}},
		Identity:  task.Identity{Train: 1},
		Close:     func() error { return nil },
	}, nil
}

// digits are rows of random numbers.
type digits struct {
	tok  tokenizer.Tokenizer
	seed uint64
	rows int
}

func (d digits) Shapes() []task.Shape           { return []task.Shape{d.Shape()} }
func (d digits) Shape() task.Shape              { return task.Shape{Rows: d.rows, T: rowLen} }
func (d digits) Tokens() int                    { return 10000 }
func (d digits) StepTokens() float64            { return float64(d.rows) }
func (d digits) Layout(int) (int, int, float64) { return 0, d.rows, 1 }

func (d digits) Fill(b *batch.Batch, step int) {
	for r := range b.B {
		text := ""
		for i := range numbers {
			text += strconv.Itoa(rng.Below(d.seed, rng.Rows, uint32(step), uint32(b.First+r), uint32(i), 10))
		}
		ids, _ := d.tok.Encode(nil, []byte(text+string("eo"[text[0]%2])))
		b.Document(r, ids)
		for t := range numbers - 1 { // numbers are given, not predicted
			b.Next[r*b.T+t] = -1
		}
	}
}

type heldDigits struct{ digits }

func (h heldDigits) Len() int                         { return h.rows }
func (h heldDigits) Fill(b *batch.Batch)              { h.digits.Fill(b, 0) }
func (h heldDigits) Targets() int                     { return h.rows }
func (h heldDigits) Bytes() int                       { return 0 }
func (h heldDigits) Unknown() int                     { return 0 }
func (h heldDigits) Locate(row, t int) (pair, at int) { return row, t + 1 }
func (h heldDigits) Overlap() any                     { return nil }
func (h heldDigits) Quality(context.Context, *model.Model, config.Config, int) (*metrics.Pairs, error) {
	return nil, nil
}
