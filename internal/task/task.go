// Package task says what a model can be trained for. A task knows where its text comes from, how rows are laid out,
// which model reads them, and what besides the loss says how good the model is. Everything else is the same for all
// tasks, and asks none which it is.
//
// # Vocabulary
//
//   - text: what a run reads: rows that train, and held rows that validate and test.
//   - shape: a size of batch. Every shape of a text is recorded as a pass once.
//   - identity: checksums by which a resumed run knows its text.
package task

import (
	"context"

	"dmtrain/internal/batch"
	"dmtrain/internal/config"
	"dmtrain/internal/metrics"
	"dmtrain/internal/model"
	"dmtrain/internal/recipe"
	"dmtrain/internal/tokenizer"
)

// Task is a row of the table of tasks.
type Task interface {
	Name() string    // the setting task
	About() string   // a few words, for help
	Starter() []byte // a commented configuration, as init prints it
	Builtin() string // a text that needs no file

	// Problems are what is wrong with the settings of the task's own, and with those that it has no use for.
	Problems(c config.Config) []config.Problem
	// Model is the shape that a configuration asks for, with so many token values.
	Model(c config.Config, vocab int) model.Config
	// Open reads the configured text. Close the text when done.
	Open(c config.Config, o Options) (*Text, error)
	// OpenData reads other text than the run's own, to evaluate a model trained under c. The flag --data names it;
	// a task that can't read such text returns an *OptionError.
	OpenData(c config.Config, names []string, t tokenizer.Tokenizer) (*Text, error)
	// Random are rows of random tokens, as long as they may be, so that every step is as large as the next.
	Random(c config.Config, vocab int) Rows
	// Next is the command by which to try the model of a run.
	Next(run string) string
}

// Options are what Open needs besides the configuration.
type Options struct {
	Tokenizer  tokenizer.Tokenizer // nil: make the configured one for the training text
	Evaluating bool                // nothing is going to be trained: what forbids that is only warned of
	Was        *Identity           // of the text that a saved model was trained on; nil for a new run
}

// OptionError says what is wrong with which option of a command, named without its dashes.
type OptionError struct{ Option, Problem string }

func (e *OptionError) Error() string { return e.Option + ": " + e.Problem }

// Text is what a run reads.
type Text struct {
	Tokenizer tokenizer.Tokenizer
	Entropy   float64 // of the predicted tokens' distribution, nats
	Train     Rows
	Valid     Held
	Test      Held // nil without text that chooses nothing
	Identity  Identity
	Warnings  []string
	Overlaps  metrics.Data // of what validates and tests with what trains

	Close func() error
}

// Facts are what the model and its masks depend on.
func (t *Text) Facts() recipe.Text {
	return recipe.Text{Vocab: t.Tokenizer.Vocab(), End: t.Tokenizer.Specials().End, Entropy: t.Entropy}
}

// Shape is a size of batch: rows of at most T tokens that are predicted, each with a source of at most S; S is 0
// where there are none.
type Shape struct{ Rows, S, T int }

// Batch makes room for b rows of the shape.
func (s Shape) Batch(b int) *batch.Batch {
	if s.S == 0 {
		return batch.New(b, s.T)
	}
	return batch.New(b, s.T, s.S)
}

// Rows are those that training steps read: a function of the seed and the step.
type Rows interface {
	Shapes() []Shape
	Tokens() int         // of the whole text, those that are predicted
	StepTokens() float64 // the same of a step, on average
	// Layout is the size of a step, as a number of Shapes, how many of its rows are filled, and how much it weighs:
	// its share of the text over that of a mean step.
	Layout(step int) (shape, rows int, weight float64)
	// Fill lays out rows First … First+B−1 of a step.
	Fill(b *batch.Batch, step int)
}

// Held are rows that evaluate, in the order of the text.
type Held interface {
	Shape() Shape // of a pass over some of them
	Len() int     // how many rows there are
	Fill(b *batch.Batch)
	Targets() int // tokens to be predicted
	Bytes() int   // that they stand for; 0 where that is not known
	Unknown() int // characters that the vocabulary lacks
	// Locate is where an output's target stands: in which pair, counted from 0 and −1 where there are none, and at
	// which place.
	Locate(row, t int) (pair, position int)
	Overlap() any // with the training text, as JSON takes it; nil where that is not asked
	// Quality measures what the first rows are worth when they are decoded; nil where nothing but the loss is asked.
	Quality(ctx context.Context, m *model.Model, c config.Config, rows int) (*metrics.Pairs, error)
}
