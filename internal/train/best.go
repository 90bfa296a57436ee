package train

import (
	"errors"
	"fmt"
	"io/fs"

	"dmtrain/internal/checkpoint"
	"dmtrain/internal/metrics"
)

// testBest evaluates the model that the validation text chose on the test text, at the end of the run. A resumed run
// that finds a better model reads the test text again, and reports how often it was read.
func (s *session) testBest() error {
	step := s.at.Step
	if s.at.Best != nil {
		step = s.at.Best.Step
	}
	if s.test == nil || s.at.Tested != nil && s.at.Tested.Step == step {
		return nil
	}
	e, err := s.measureAt(step)
	if err != nil {
		return err
	}
	looks := 1
	if s.at.Tested != nil {
		looks = s.at.Tested.Looks + 1
	}
	s.at.Tested = &checkpoint.Tested{Step: step, Looks: looks}
	m := metrics.NewTest(e)
	m.BestOf, m.Looks = s.at.Evals, looks
	m.Time = metrics.Time{ElapsedS: s.meter.ElapsedS()}
	if s.at.Best != nil {
		m.ValidLoss = metrics.Number(s.at.Best.Loss)
	}
	s.meter.Resume()
	s.tested = &m
	s.Console.Test(&m)
	if err := s.log.Write(&m); err != nil {
		return err
	}
	return s.save()
}

// measureAt evaluates the model of a step on the test text: the one in memory, or a saved one loaded in its place.
func (s *session) measureAt(step int) (m metrics.Eval, err error) {
	if step == s.at.Step {
		err = s.withAverage(func() (err error) {
			m, err = s.measureTest(step)
			return err
		})
		return m, err
	}
	saved, err := s.run.LoadModel(fmt.Sprint(step))
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, saved.Close()) }()
	params := s.step.model.Params
	kept := params.Grads() // the run is over, so gradients are free
	s.be.Copy(kept, params.Flat())
	defer func() {
		s.be.Copy(params.Flat(), kept)
		err = errors.Join(err, params.Round())
	}()
	if err := saved.ReadParams(s.be, params, params.Flat()); err != nil {
		return m, err
	}
	if err := params.Round(); err != nil {
		return m, err
	}
	return s.measureTest(step)
}

func (s *session) measureTest(step int) (metrics.Eval, error) {
	m, _, err := s.test.Measure(s.ctx, s.Config, step, 0, nil)
	return m, err
}

// readLog reads from the log what checkpoints lack: the last result on the test text and, for runs of older programs,
// the number of evaluations.
func (s *session) readLog() (err error) {
	if s.at.Evals == 0 && s.at.Evaled > 0 {
		if s.at.Evals, err = metrics.EvalsIn(s.run.Path(checkpoint.MetricsFile), s.at.Step); err != nil {
			return err
		}
	}
	if s.at.Tested == nil {
		return nil
	}
	for r, err := range metrics.ReadFile(s.run.Path(checkpoint.MetricsFile)) {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		if r.Test != nil && r.Test.Step == s.at.Tested.Step {
			s.tested = r.Test
		}
	}
	return nil
}
