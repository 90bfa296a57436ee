package train

import (
	"context"
	"errors"
	"fmt"

	"dmtrain/internal/backend"
	"dmtrain/internal/config"
	"dmtrain/internal/data"
	"dmtrain/internal/graph"
	"dmtrain/internal/kernels"
	"dmtrain/internal/mask"
	"dmtrain/internal/metrics"
	"dmtrain/internal/model"
	"dmtrain/internal/tokenizer"
)

// Translator is a saved encoder–decoder, ready to translate.
type Translator struct {
	Dir       string
	Step      int
	Model     *model.Model
	Tokenizer tokenizer.Tokenizer
	Config    config.Config
	Backend   kernels.Backend
	Warnings  []string // about what was read

	bestOf int // evaluations that it was chosen from; 0: it is not a run's best
}

// IsTranslator says whether a saved model is an encoder–decoder.
func IsTranslator(src Source) (is bool, err error) {
	saved, err := src.open()
	if err != nil {
		return false, err
	}
	shape, err := saved.Shape()
	return shape.Encoder, errors.Join(err, saved.Close())
}

// LoadTranslator opens a saved encoder–decoder. Close it when done.
func LoadTranslator(src Source) (_ *Translator, err error) {
	saved, err := src.open()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, saved.Close()) }()
	shape, err := saved.Shape()
	if err != nil {
		return nil, err
	}
	if !shape.Encoder {
		return nil, fmt.Errorf("%s: not an encoder–decoder, which task seq2seq trains", saved.Dir)
	}
	var l Loaded
	if err := l.settings(saved); err != nil {
		return nil, err
	}
	t := &Translator{Dir: saved.Dir, Step: saved.State.Step, Config: l.Config, bestOf: src.bestOf(saved)}
	if t.Tokenizer, err = tokenizer.Load(saved.Files()); err != nil {
		return nil, fmt.Errorf("%s: %w", saved.Dir, err)
	}
	if t.Backend, err = backend.Open(src.Device); err != nil {
		return nil, err
	}
	if t.Model, err = saved.Model(t.Backend, false); err != nil {
		return nil, errors.Join(err, t.Backend.Close())
	}
	t.Warnings = unused(saved, t.Model.Params)
	return t, nil
}

// Close gives the model's memory back.
func (t *Translator) Close() error {
	t.Model.Free()
	return t.Backend.Close()
}

// PairReport is an evaluation on pairs.
type PairReport struct {
	metrics.Eval
	BestOf   int              // evaluations on these very pairs that the model was chosen from; 0 if they did not choose it
	Overlap  data.PairOverlap // of these pairs with those that train
	Warnings []string
}

// Evaluate measures the model on its run's validation or test pairs: the loss under the static mask, and greedy decoding.
func (t *Translator) Evaluate(ctx context.Context, split string) (*PairReport, error) {
	c := t.Config
	c.Train.EvalBatches = 0
	set, err := data.EvalPairs(c.Data, t.Tokenizer)
	if err != nil {
		return nil, err
	}
	r := &PairReport{BestOf: t.bestOf, Overlap: set.Overlaps[0], Warnings: set.Warnings}
	pairs := set.Valid
	if split == SplitTest {
		if pairs = set.Test; pairs == nil {
			return nil, noTest(t.Dir)
		}
		r.BestOf, r.Overlap = 0, set.Overlaps[1]
	}
	p, err := mask.NewPlanner(c.Mask, c.Run.Seed, mask.Run{
		SeqLen:        t.Model.Context,
		Steps:         1,
		Vocab:         t.Model.Vocab,
		CausalEncoder: t.Model.CausalEncoder,
	})
	if err != nil {
		return nil, err
	}
	e, err := newPairExam(t.Backend, t.Model, graph.NewArena(t.Backend), p, c, t.Tokenizer, pairs)
	if err != nil {
		return nil, err
	}
	r.Warnings = append(r.Warnings, t.Warnings...)
	r.Eval, _, err = e.look(ctx, t.Step)
	return r, err
}
