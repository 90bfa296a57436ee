package train

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"dmtrain/internal/data"
	"dmtrain/internal/mask"
	"dmtrain/internal/metrics"
)

// EvalOptions say what to evaluate.
type EvalOptions struct {
	Source
	Data     []string  // texts to read instead of the run's own
	Split    string    // which of the run's own: SplitValid, or SplitTest; empty: validation
	Blanks   []float64 // also fill blanks, at these rates of hidden tokens; nil: 15 % and 50 % where the model was trained to
	PerToken io.Writer // optional: one JSON line a token
}

// The texts of a run that a model can be evaluated on.
const (
	SplitValid = "valid"
	SplitTest  = "test"
)

// Report is what `dmtrain eval` prints.
type Report struct {
	Checkpoint  string         `json:"checkpoint"`
	Step        int            `json:"step"`
	Device      string         `json:"device"` // on which it was measured
	Loss        metrics.Number `json:"loss"`   // nats per token, under the static mask
	Perplexity  metrics.Number `json:"perplexity"`
	BitsPerByte metrics.Number `json:"bits_per_byte"`
	Accuracy    float64        `json:"accuracy"`
	ECE         float64        `json:"ece"`
	Tokens      int            `json:"tokens"`
	Unknown     int            `json:"unknown"` // characters of the text that the vocabulary lacks
	Infill      []Blanks       `json:"infill"`
	Warnings    []string       `json:"warnings"`
	Split       string         `json:"split"`             // valid or test; data: another text
	Overlap     *data.Overlap  `json:"overlap,omitempty"` // of this text with the training text; none for another text
	BestOf      int            `json:"best_of"`           // evaluations on this very text that the model was chosen from; 0: this text did not choose it
}

// Blanks is how well hidden tokens were filled in from both sides.
type Blanks struct {
	Hidden float64 `json:"hidden"` // rate
	metrics.Infill
}

// Evaluate measures a saved model.
func Evaluate(ctx context.Context, o EvalOptions) (_ *Report, err error) {
	l, err := Load(o.Source)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	if o.Blanks != nil && l.Config.Mask.Form != mask.FormInfill {
		return nil, &OptionError{"blanks", fmt.Sprintf("%s was trained with mask.form %s, and only form infill teaches a model to fill blanks", l.Dir, l.Config.Mask.Form)}
	}
	corpus, overlap, warnings, closer, err := l.corpus(o)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, closer()) }()
	e, err := l.evaluator()
	if err != nil {
		return nil, err
	}
	defer e.free()
	e.stop = ctx.Err
	score, err := e.run(corpus, 0, perToken(o.PerToken))
	if err != nil {
		return nil, err
	}
	warnings = append(warnings, l.Warnings...)
	m := score.record(l.Step)
	info := l.Backend.Info()
	if info.NoGPU != "" {
		warnings = append(warnings, info.NoGPU)
	}
	r := &Report{Checkpoint: l.Dir, Step: l.Step, Device: info.Device(), Split: o.split(), Overlap: overlap, Loss: m.ValidLoss, Perplexity: m.Perplexity, BitsPerByte: m.BitsPerByte,
		Accuracy: m.Accuracy, ECE: m.ECE, Tokens: m.Tokens, Unknown: corpus.Unknown(), Infill: []Blanks{}, Warnings: append([]string{}, warnings...)}
	if r.Split == SplitValid {
		r.BestOf = l.bestOf
	}
	if o.Blanks == nil && l.Config.Mask.Form == mask.FormInfill {
		o.Blanks = []float64{blankRate, manyBlanks}
	}
	for _, rate := range o.Blanks {
		blanks, err := e.blanks(corpus, 0, rate, nil)
		if err != nil {
			return nil, err
		}
		r.Infill = append(r.Infill, Blanks{rate, *blanks.infill()})
	}
	return r, nil
}

// split is the text that is read.
func (o EvalOptions) split() string {
	switch {
	case len(o.Data) > 0:
		return "data"
	case o.Split == "":
		return SplitValid
	}
	return o.Split
}

// corpus opens the text to read: the one asked for, or one of the model's training.
func (l *Loaded) corpus(asked EvalOptions) (*data.Corpus, *data.Overlap, []string, func() error, error) {
	o := data.Options{Tokenizer: l.Tokenizer, AfterTokens: l.old, Evaluating: true}
	if len(asked.Data) > 0 {
		c, warnings, err := data.OpenCorpus("--data", asked.Data, l.Config.Data.DocumentSeparator, o)
		if err != nil {
			return nil, nil, nil, nil, err
		}
		return c, nil, warnings, c.Close, nil
	}
	if !l.Ours {
		return nil, nil, nil, nil, fmt.Errorf("--data: %s was not trained here, so it has no validation text: name one", l.Dir)
	}
	set, err := data.Open(l.Config.Data, o)
	if err != nil {
		return nil, nil, nil, nil, err
	}
	if asked.split() == SplitTest {
		if set.Test == nil {
			return nil, nil, nil, nil, errors.Join(noTest(l.Dir), set.Close())
		}
		return set.Test, &set.Overlaps[len(set.Overlaps)-1], set.Warnings, set.Close, nil
	}
	if l.old {
		reason, err := oldSplit(l.Config.Data, l.Tokenizer, l.data)
		if err != nil {
			return nil, nil, nil, nil, errors.Join(err, set.Close())
		}
		if reason != "" {
			set.Warnings = append(set.Warnings, "the program that trained this model "+reason)
		}
	}
	return set.Valid, &set.Overlaps[0], set.Warnings, set.Close, nil
}

func noTest(dir string) error {
	return fmt.Errorf("--split: %s was trained without a test text (data.test, data.test_fraction)", dir)
}

// evaluator is for the static structure the model was trained under.
func (l *Loaded) evaluator() (*evaluator, error) {
	p, err := mask.NewPlanner(l.Config.Mask, l.Config.Run.Seed, mask.Run{SeqLen: l.Model.Context, Steps: 1, Vocab: l.Model.Vocab})
	if err != nil {
		return nil, err
	}
	return newEvaluator(l.Backend, l.Model, p, l.Model.Context)
}

func perToken(w io.Writer) func(*Batch) error {
	if w == nil {
		return nil
	}
	enc := json.NewEncoder(w)
	return func(b *Batch) error { return b.tokens(func(t Token) error { return enc.Encode(t) }) }
}
