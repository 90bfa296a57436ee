package train

import (
	"errors"
	"fmt"
	"path/filepath"

	"dmtrain/internal/checkpoint"
	"dmtrain/internal/files"
	"dmtrain/internal/metrics"
)

// scoreOf is the value of train.metric, higher being better; 0 for metric loss, so that the loss decides.
func scoreOf(m *metrics.Eval, metric string) float64 {
	switch {
	case m.Pairs == nil:
		return 0
	case metric == "exact":
		return m.Pairs.Exact
	case metric == "bleu":
		return m.Pairs.BLEU
	case metric == "rouge":
		return m.Pairs.ROUGEL
	}
	return 0
}

// evaluate measures the model on the validation text and records the result.
func (s *session) evaluate() error {
	m, loss, err := s.measure()
	if err != nil {
		return err
	}
	m.Best = s.isBest(loss, scoreOf(&m, s.Config.Train.Metric))
	m.Time = metrics.Time{ElapsedS: s.meter.ElapsedS()}
	s.meter.Resume()
	s.evaled = s.at.Step
	s.remember(m)
	s.Console.Eval(&m)
	if s.log == nil { // the first evaluation: begin writes it
		return nil
	}
	return s.log.Write(&m)
}

// measure evaluates the model, or the average of its parameters with train.ema.
func (s *session) measure() (m metrics.Eval, loss float64, err error) {
	err = s.withAverage(func() (err error) {
		m, loss, err = s.valid.Measure(s.ctx, s.Config, s.at.Step, s.Config.Train.EvalBatches, s.scored())
		return err
	})
	return m, loss, err
}

// withAverage calls do with the parameters replaced by their average, if there is one.
func (s *session) withAverage(do func() error) (err error) {
	if a := s.step.average; a != nil {
		if err := a.Swap(); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, a.Swap()) }()
	}
	return do()
}

// remember keeps the evaluations that the summary prints.
func (s *session) remember(m metrics.Eval) {
	if m.Step == 0 {
		s.first = &m
	}
	if m.Best {
		s.best = &m
	}
}

// isBest counts an evaluation and says whether it is the run's best. The model before its first step never is.
func (s *session) isBest(loss, score float64) bool {
	if s.at.Step == 0 {
		return false
	}
	s.at.Evals++
	best := s.at.Best
	if finite(loss) && (best == nil || score > best.Score || score == best.Score && loss < best.Loss) {
		s.at.Best = &checkpoint.Best{Step: s.at.Step, Loss: loss, Score: score}
		s.at.BadEvals = 0
		return true
	}
	s.at.BadEvals++
	return false
}

// summary prints the outcome of the run.
func (s *session) summary(outcome string) {
	sum := metrics.Summary{
		Outcome:  outcome,
		Dir:      s.run.Dir,
		Step:     s.at.Step,
		Tokens:   s.at.Tokens,
		ElapsedS: s.meter.ElapsedS(),
		First:    s.first,
		Best:     s.best,
		BestOf:   s.at.Evals,
		Test:     s.tested,
	}
	if outcome == finished {
		sum.Next = []string{"dmtrain eval --run " + files.Quoted(s.run.Dir), s.task.Next(s.run.Dir)}
	} else {
		sum.Next = []string{fmt.Sprintf("dmtrain train --config %s --resume",
			files.Quoted(filepath.Join(s.run.Dir, checkpoint.ConfigFile))), s.task.Next(s.run.Dir)}
	}
	s.Console.Summary(sum)
}
