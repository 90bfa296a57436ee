package train

import (
	"context"

	"dmtrain/internal/checkpoint"
	"dmtrain/internal/data"
	"dmtrain/internal/files"
	"dmtrain/internal/mask"
	"dmtrain/internal/metrics"
	"dmtrain/internal/model"
	"dmtrain/internal/recipe"
	"dmtrain/internal/tokenizer"
)

// corpus is a task's text and model as a session handles them.
type corpus interface {
	tokenizer() tokenizer.Tokenizer
	modelFile() any         // config.json
	next(run string) string // a command to try the model by
	Close() error
}

// exam measures the model, until ctx is done. The loss that it finds on the validation text decides which checkpoint is best; the test text decides
// nothing.
type exam interface {
	look(ctx context.Context, step int) (m metrics.Eval, loss float64, err error)
	tests() bool // whether there is a test text
	test(ctx context.Context, step int) (metrics.Eval, error)
}

// rowCorpus is task lm's.
type rowCorpus struct {
	*data.Set
	*session
}

func (r rowCorpus) tokenizer() tokenizer.Tokenizer { return r.Set.Tokenizer }
func (r rowCorpus) next(run string) string         { return "dmtrain sample --run " + files.Quoted(run) }
func (r rowCorpus) Close() error                   { return r.Set.Close() }

// modelFile is the model's configuration as Hugging Face writes it.
func (r rowCorpus) modelFile() any {
	return r.describe(r.step.text.(*rowText).model)
}

// describe is config.json of a model.
func (s *session) describe(m *model.Model) any {
	special := s.corpus.tokenizer().Specials()
	return checkpoint.ModelFile(checkpoint.Description{
		Config:  m.Config,
		Dropout: s.Config.Model.Dropout,
		Begin:   int(special.Begin),
		End:     int(special.End),
	})
}

// openRows opens the text of task lm and builds what a step and an evaluation need.
func (s *session) openRows(tok tokenizer.Tokenizer, yoke *mask.Yoke) error {
	c := s.Config
	set, err := data.Open(c.Data, data.Options{Tokenizer: tok})
	if err != nil {
		return err
	}
	s.corpus, s.texts = rowCorpus{set, s}, texts{Train: set.Train.Checksum(), Valid: set.Valid.Checksum(), Cut: set.Cut()}
	s.text.Overlaps = set.Overlaps
	if set.Test != nil {
		s.texts.Test = set.Test.Checksum()
	}
	for _, w := range set.Warnings {
		s.Console.Warn("%s", w)
	}
	loader := data.NewLoader(set.Train, c.Run.Seed)
	if s.step, err = newStepper(s.be, c, recipe.MaskRun(c, textOf(set.Tokenizer, set.UnigramEntropy), yoke), loader.Fill); err != nil {
		return err
	}
	s.step.hooks, s.step.tokenizer = s.Hooks, set.Tokenizer
	e, err := newEvaluator(s.be, s.step.text.(*rowText).model, s.step.planner, c.Data.SeqLen)
	s.exam = rowExam{e, set.Valid, set.Test, s}
	return err
}

// rowExam is task lm's.
type rowExam struct {
	eval  *evaluator
	valid *data.Corpus
	held  *data.Corpus // the test text; nil without one
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
	return e.measure(ctx, e.valid, step, e.Config.Train.EvalBatches, e.scored)
}

func (e rowExam) tests() bool { return e.held != nil }

func (e rowExam) test(ctx context.Context, step int) (metrics.Eval, error) {
	m, _, err := e.measure(ctx, e.held, step, 0, func(string, int) func(*Batch) error { return nil })
	return m, err
}

// measure reads a text, or its first batches.
func (e rowExam) measure(ctx context.Context, c *data.Corpus, step, batches int,
	scored func(kind string, step int) func(*Batch) error) (metrics.Eval, float64, error) {
	e.eval.stop = ctx.Err
	score, err := e.eval.run(c, batches, scored(BatchValid, step))
	if err != nil {
		return metrics.Eval{}, 0, err
	}
	m, loss := score.record(step), score.Loss
	if e.Config.Mask.Form == mask.FormInfill {
		blanks, err := e.eval.blanks(c, batches, blankRate, scored(BatchInfill, step))
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
