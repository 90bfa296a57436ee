package train

import (
	"context"
	"errors"
	"fmt"
	"time"

	"dmtrain/internal/checkpoint"
	"dmtrain/internal/config"
	"dmtrain/internal/kernels"
	"dmtrain/internal/mask"
	"dmtrain/internal/metrics"
)

// maxBadInARow is how many steps in a row may have a loss or gradient that is not finite before the run gives up.
const maxBadInARow = 10

// ErrInterrupted is the error of a run that was asked to stop, and has saved.
var ErrInterrupted = errors.New("interrupted")

// Options say which run to train.
type Options struct {
	Config    config.Config
	Version   string // of the program, kept with the run
	Resume    bool
	Overwrite bool
	From      int // resume from this step's checkpoint, setting newer ones aside; 0 = from the last
	Until     int // save and stop after this step, for a later resume; 0 = go on to train.steps
	Console   *metrics.Console
	Hooks     Hooks // for the canary
}

// session is a run being trained by this process.
type session struct {
	Options
	be     kernels.Backend
	texts  texts
	corpus corpus
	run    *checkpoint.Run
	step   *stepper
	exam   exam
	log    *metrics.Log
	meter  *metrics.Meter
	moved  mask.Record // what the step's masks looked like; kept for its memory

	at     checkpoint.State
	first  *metrics.Eval // before the first step, if this process saw it
	best   *metrics.Eval
	evaled int // step of the last evaluation, −1 before any
	saved  int // step of the last checkpoint, −1 before any
}

// Run trains until the configured number of steps, until patience is at its end, or until ctx is done: then it saves and
// returns ErrInterrupted. Every error leaves the last checkpoint as it was.
func Run(ctx context.Context, o Options) (err error) {
	s, err := open(o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	return s.train(ctx)
}

func (s *session) train(ctx context.Context) error {
	s.meter = metrics.NewMeter(time.Now, s.at.ElapsedS)
	if s.at.Step == 0 && s.evaled < 0 {
		if err := s.evaluate(); err != nil {
			return err
		}
	}
	for !s.done() {
		if ctx.Err() != nil || s.Until > 0 && s.at.Step >= s.Until {
			return s.interrupt(ctx)
		}
		if err := s.advance(); err != nil {
			return err
		}
		if err := s.lookAndSave(); err != nil {
			return err
		}
	}
	return s.finish()
}

// done says whether there is nothing left to train.
func (s *session) done() bool {
	t := s.Config.Train
	return s.at.Step >= t.Steps || t.Patience > 0 && s.at.BadEvals >= t.Patience
}

// advance takes one step and records it.
func (s *session) advance() error {
	r, err := s.step.step(s.at.Step)
	if err != nil {
		return err
	}
	s.at.Step++
	s.at.Tokens += int64(r.Supervised)
	s.count(r)
	if err := s.record(r); err != nil {
		return err
	}
	if s.at.BadInARow >= maxBadInARow {
		return fmt.Errorf("stopped at step %d: %d steps in a row had a loss or gradient that is not finite; the parameters are those of step %d (a lower train.lr, a longer train.warmup or a smaller train.grad_clip may help)",
			s.at.Step, maxBadInARow, s.at.Step-maxBadInARow)
	}
	return nil
}

// count keeps the account of skipped steps.
func (s *session) count(r result) {
	if !r.Skipped {
		s.at.BadInARow = 0
		return
	}
	s.at.Skipped++
	s.at.BadInARow++
	s.Console.Warn("step %d skipped: loss %v, gradient norm %v", s.at.Step, r.Loss, r.GradNorm)
}

// record writes a step's record.
func (s *session) record(r result) error {
	s.step.control.Record(&s.moved, s.step.stats)
	m := metrics.Step{Step: s.at.Step, Loss: metrics.Number(r.Loss), LR: r.LR, GradNorm: metrics.Number(r.GradNorm), Tokens: r.Supervised,
		Skipped: r.Skipped, Hidden: s.moved.Hidden, Time: s.meter.Step(r.Supervised)}
	if s.Config.Mask.Form != mask.FormNone {
		m.Mask = &s.moved
	}
	s.Console.Step(&m)
	return s.log.Write(&m)
}

// lookAndSave evaluates and saves if either is due. A checkpoint comes after its step's evaluation, so that a resumed run
// never repeats one.
func (s *session) lookAndSave() error {
	t := s.Config.Train
	if t.EvalEvery > 0 && s.at.Step%t.EvalEvery == 0 {
		if err := s.evaluate(); err != nil {
			return err
		}
	}
	best := s.at.Best != nil && s.at.Best.Step == s.at.Step
	if best || t.SaveEvery > 0 && s.at.Step%t.SaveEvery == 0 {
		return s.save()
	}
	return nil
}

// interrupt saves where the run is.
func (s *session) interrupt(ctx context.Context) error {
	if s.saved != s.at.Step {
		if err := s.save(); err != nil {
			return err
		}
	}
	s.summary("interrupted")
	if ctx.Err() == nil {
		return nil
	}
	return ErrInterrupted
}

// finish evaluates and saves the last step, unless that has been done.
func (s *session) finish() error {
	if s.evaled != s.at.Step {
		if err := s.evaluate(); err != nil {
			return err
		}
	}
	if s.saved != s.at.Step {
		if err := s.save(); err != nil {
			return err
		}
	}
	s.summary(finished)
	return nil
}

// finished is the outcome of a run that came to its end.
const finished = "finished"
