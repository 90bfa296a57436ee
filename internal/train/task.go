package train

import (
	"context"

	"dmtrain/internal/checkpoint"
	"dmtrain/internal/data"
	"dmtrain/internal/mask"
	"dmtrain/internal/metrics"
	"dmtrain/internal/tokenizer"
)

// corpus is a task's text and model as a session handles them.
type corpus interface {
	tokenizer() tokenizer.Tokenizer
	modelFile() any         // config.json
	next(run string) string // a command to try the model by
	Close() error
}

// exam measures the model on the validation text, until ctx is done. The loss it returns decides which checkpoint is best.
type exam interface {
	look(ctx context.Context, step int) (m metrics.Eval, loss float64, err error)
}

// rowCorpus is task lm's.
type rowCorpus struct {
	*data.Set
	*session
}

func (r rowCorpus) tokenizer() tokenizer.Tokenizer { return r.Set.Tokenizer }
func (r rowCorpus) next(run string) string         { return "dmtrain sample --run " + run }
func (r rowCorpus) Close() error                   { return r.Set.Close() }

// modelFile is the model's configuration as Hugging Face writes it.
func (r rowCorpus) modelFile() any {
	m, special := r.step.text.(*rowText).model, r.Set.Tokenizer.Specials()
	return checkpoint.GPT2Config{Vocab: m.Vocab, Context: m.Context, Layers: m.Layers, Heads: m.Heads, Dim: m.Dim,
		Dropout: r.Config.Model.Dropout, Begin: int(special.Begin), End: int(special.End)}
}

// openRows opens the text of task lm and builds what a step and an evaluation need.
func (s *session) openRows(tok tokenizer.Tokenizer, yoke *mask.Yoke) error {
	c := s.Config
	set, err := data.Open(c.Data, data.Options{Tokenizer: tok})
	if err != nil {
		return err
	}
	s.corpus, s.texts = rowCorpus{set, s}, texts{set.Train.Checksum(), set.Valid.Checksum()}
	for _, w := range set.Warnings {
		s.Console.Warn("%s", w)
	}
	loader := data.NewLoader(set.Train, c.Run.Seed)
	if s.step, err = newStepper(s.be, c, maskRun(c, set.Tokenizer.Vocab(), set.Tokenizer.Specials().End, set.UnigramEntropy, yoke), loader.Fill); err != nil {
		return err
	}
	s.step.hook(s.Hooks, set.Tokenizer)
	e, err := newEvaluator(s.be, s.step.text.(*rowText).model, s.step.planner, c.Data.SeqLen)
	s.exam = rowExam{e, set.Valid, s}
	return err
}

// rowExam is task lm's.
type rowExam struct {
	eval  *evaluator
	valid *data.Corpus
	*session
}

// scored is the hook of that name for an evaluation after so many steps; nil without one.
func (e rowExam) scored(kind string, step int) func(*Batch) error {
	if e.Hooks.Scored == nil {
		return nil
	}
	return func(b *Batch) error {
		b.Kind, b.Step, b.Tokenizer = kind, step, e.corpus.tokenizer()
		return e.Hooks.Scored(b)
	}
}

func (e rowExam) look(ctx context.Context, step int) (metrics.Eval, float64, error) {
	e.eval.stop = ctx.Err
	score, err := e.eval.run(e.valid, e.Config.Train.EvalBatches, e.scored(BatchValid, step))
	if err != nil {
		return metrics.Eval{}, 0, err
	}
	m, loss := score.record(step), score.Loss
	if e.Config.Mask.Form == mask.FormInfill {
		blanks, err := e.eval.blanks(e.valid, e.Config.Train.EvalBatches, blankRate, e.scored(BatchInfill, step))
		if err != nil {
			return m, 0, err
		}
		m.Infill = blanks.infill()
		if score.Tokens == 0 { // the structure shows every token that is not hidden
			loss = blanks.Loss
		}
	}
	return m, loss, nil
}
