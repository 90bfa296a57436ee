package saved

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"dmtrain/internal/mask"
	"dmtrain/internal/metrics"
	"dmtrain/internal/task"
)

// EvalOptions say what to evaluate.
type EvalOptions struct {
	Ref
	Data  []string // texts to read instead of the run's own
	Split string   // SplitValid or SplitTest; empty: validation
	// Blanks are the rates of hidden tokens to fill in; nil: 15 % and 50 % if the model was trained to.
	Blanks   []float64
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
	Device      string         `json:"device"`
	Loss        metrics.Number `json:"loss"` // nats per token, under the static mask
	Perplexity  metrics.Number `json:"perplexity"`
	BitsPerByte metrics.Number `json:"bits_per_byte"`
	Accuracy    float64        `json:"accuracy"`
	ECE         float64        `json:"ece"`
	Tokens      int            `json:"tokens"`
	Unknown     int            `json:"unknown"` // characters of the text that the vocabulary lacks
	Infill      []Blanks       `json:"infill"`
	Pairs       *metrics.Pairs `json:"pairs,omitempty"` // only of models that read sources
	Warnings    []string       `json:"warnings"`
	Split       string         `json:"split"`             // valid or test; data: another text
	Overlap     any            `json:"overlap,omitempty"` // with the training text; nil for another text
	// BestOf is the number of evaluations on this text that the model was chosen from; 0 if the text chose nothing.
	BestOf int `json:"best_of"`
}

// Blanks is how well hidden tokens were filled in from both sides.
type Blanks struct {
	Hidden float64 `json:"hidden"` // rate of hidden tokens
	metrics.Infill
}

// Evaluate measures a saved model on a text.
func Evaluate(ctx context.Context, o EvalOptions, tasks task.Table) (_ *Report, err error) {
	m, err := Load(o.Ref, tasks)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, m.Close()) }()
	infill := m.Config.Mask.Slots()
	if o.Blanks != nil && !infill {
		return nil, &task.OptionError{
			Option: "blanks",
			Problem: fmt.Sprintf("%s was trained with mask.form %s, and only form infill teaches a model to fill "+
				"blanks", m.Dir, m.Config.Mask.Form),
		}
	}
	text, held, err := m.text(o)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, text.Close()) }()
	e, err := m.evaluator(held)
	if err != nil {
		return nil, err
	}
	defer e.Free()
	score, err := e.Loss(ctx, 0, perToken(o.PerToken, held))
	if err != nil {
		return nil, err
	}
	r := m.report(score, held, o)
	r.Warnings = append(r.Warnings, text.Warnings...)
	r.warn(m)
	if o.Blanks == nil && infill {
		o.Blanks = []float64{task.BlankRate, task.ManyBlanks}
	}
	for _, rate := range o.Blanks {
		blanks, err := e.Blanks(ctx, 0, rate, nil)
		if err != nil {
			return nil, err
		}
		r.Infill = append(r.Infill, Blanks{rate, *blanks.Infill()})
	}
	r.Pairs, err = held.Quality(ctx, m.Model, m.Config, held.Len())
	return r, err
}

func (m *Model) report(score task.Score, held task.Held, o EvalOptions) *Report {
	s := score.Record(m.Step)
	r := &Report{
		Checkpoint:  m.Dir,
		Step:        m.Step,
		Device:      m.Backend.Info().Device(),
		Split:       o.split(),
		Overlap:     held.Overlap(),
		Loss:        s.ValidLoss,
		Perplexity:  s.Perplexity,
		BitsPerByte: s.BitsPerByte,
		Accuracy:    s.Accuracy,
		ECE:         s.ECE,
		Tokens:      s.Tokens,
		Unknown:     held.Unknown(),
		Infill:      []Blanks{},
		Warnings:    []string{},
	}
	if r.Split == SplitValid {
		r.BestOf = m.bestOf
	}
	return r
}

func (r *Report) warn(m *Model) {
	r.Warnings = append(r.Warnings, m.Warnings...)
	if why := m.Backend.Info().NoGPU; why != "" {
		r.Warnings = append(r.Warnings, why)
	}
}

// split names the text to read.
func (o EvalOptions) split() string {
	switch {
	case len(o.Data) > 0:
		return "data"
	case o.Split == "":
		return SplitValid
	}
	return o.Split
}

// text opens the named text, or one of the model's run.
func (m *Model) text(o EvalOptions) (*task.Text, task.Held, error) {
	if len(o.Data) > 0 {
		t, err := m.task.OpenData(m.Config, o.Data, m.Tokenizer)
		if err != nil {
			return nil, nil, err
		}
		return t, t.Valid, nil
	}
	if !m.Ours {
		return nil, nil, fmt.Errorf("--data: %s was not trained here, so it has no validation text: name one", m.Dir)
	}
	t, err := m.task.Open(m.Config, task.Options{Tokenizer: m.Tokenizer, Evaluating: true, Was: m.was})
	if err != nil {
		return nil, nil, err
	}
	if o.split() != SplitTest {
		return t, t.Valid, nil
	}
	if t.Test == nil {
		err := fmt.Errorf("--split: %s was trained without a test text (data.test, data.test_fraction)", m.Dir)
		return nil, nil, errors.Join(err, t.Close())
	}
	return t, t.Test, nil
}

// evaluator evaluates under the static structure of the model's training.
func (m *Model) evaluator(held task.Held) (*task.Evaluator, error) {
	p, err := mask.NewPlanner(m.Config.Mask, m.Config.Run.Seed, m.MaskRun())
	if err != nil {
		return nil, err
	}
	return task.NewEvaluator(m.Model, p, held, nil)
}

// Token is one prediction: the token's position, and the model's loss and confidence.
type Token struct {
	Pair       *int             `json:"pair,omitempty"` // index of the pair; nil for other texts
	Position   int              `json:"position"`       // in the text or in the pair's target
	Token      int32            `json:"token"`
	NLL        metrics.Number32 `json:"nll"`
	Confidence metrics.Number32 `json:"confidence"`
	Entropy    metrics.Number32 `json:"entropy"`
}

// perToken writes every supervised token of an evaluation, in order.
func perToken(w io.Writer, held task.Held) task.Scored {
	if w == nil {
		return nil
	}
	enc := json.NewEncoder(w)
	return func(b *task.Batch) error {
		for n, target := range b.Plan.Targets {
			if target < 0 {
				continue
			}
			pair, at := held.Locate(b.Rows.First+n/b.Rows.T, n%b.Rows.T)
			t := Token{
				Position:   at,
				Token:      target,
				NLL:        metrics.Number32(b.Out.NLL[n]),
				Confidence: metrics.Number32(b.Out.Conf[n]),
				Entropy:    metrics.Number32(b.Out.Entropy[n]),
			}
			if pair >= 0 {
				t.Pair = &pair
			}
			if err := enc.Encode(t); err != nil {
				return err
			}
		}
		return nil
	}
}
