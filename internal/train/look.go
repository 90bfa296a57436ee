package train

import (
	"errors"
	"fmt"
	"path/filepath"

	"dmtrain/internal/checkpoint"
	"dmtrain/internal/files"
	"dmtrain/internal/metrics"
)

// scoreOf is the metric that says which checkpoint is best, higher being better; of equal ones, as with metric
// loss, the loss decides.
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

// evaluate measures the model on the validation text and records it.
func (s *session) evaluate() error {
	m, loss, err := s.examine()
	if err != nil {
		return err
	}
	m.Best = s.judge(loss, scoreOf(&m, s.Config.Train.Metric))
	m.Time = metrics.Time{ElapsedS: s.meter.ElapsedS()}
	s.meter.Resume()
	s.evaled = s.at.Step
	s.remember(m)
	s.Console.Eval(&m)
	if s.log == nil { // begin writes it
		return nil
	}
	return s.log.Write(&m)
}

// examine measures the parameters' average, where there is one.
func (s *session) examine() (m metrics.Eval, loss float64, err error) {
	err = s.withAverage(func() (err error) {
		m, loss, err = s.valid.Measure(s.ctx, s.Config, s.at.Step, s.Config.Train.EvalBatches, s.scored())
		return err
	})
	return m, loss, err
}

// withAverage does something with the parameters' average in their place, where there is one.
func (s *session) withAverage(do func() error) (err error) {
	if a := s.step.average; a != nil {
		if err := a.Swap(); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, a.Swap()) }()
	}
	return do()
}

// remember keeps what the summary tells.
func (s *session) remember(m metrics.Eval) {
	if m.Step == 0 {
		s.first = &m
	}
	if m.Best {
		s.best = &m
	}
}

// judge says whether a validation loss is the run's best. The model before its first step is never called that.
func (s *session) judge(loss, score float64) bool {
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

// summary is how the run ends for its user.
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
