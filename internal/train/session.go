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
	"dmtrain/internal/task"
)

// maxBadInARow steps in a row with a loss or gradient that is not finite end the run.
const maxBadInARow = 10

// ErrInterrupted is the error of a run that was asked to stop and has saved.
var ErrInterrupted = errors.New("interrupted")

// ErrNotBegun is the ErrInterrupted of a run that had nothing to save yet.
var ErrNotBegun = fmt.Errorf("%w before the first step was taken: there is nothing to save", ErrInterrupted)

// Options say which run to train.
type Options struct {
	Config    config.Config
	Tasks     task.Table
	Version   string // of the program, kept with the run
	Resume    bool
	Overwrite bool
	From      int // resume from this step's checkpoint, setting newer ones aside; 0 = from the last
	Until     int // save and stop after this step, for a later resume; 0 = go on to train.steps
	Threads   int // of the CPU; 0 are all it has
	Console   *metrics.Console
	Hooks     Hooks // for the canary
}

// session is a run being trained by this process.
type session struct {
	Options
	ctx     context.Context // done when the run is asked to stop
	release func()          // ends the hold; nil before there is something to save
	be      kernels.Backend
	task    task.Task
	text    *task.Text
	run     *checkpoint.Run
	step    *stepper
	valid   *task.Evaluator
	test    *task.Evaluator // nil without a test text
	log     *metrics.Log
	meter   *metrics.Meter
	masks   mask.Record // of the last step; kept to reuse its memory

	at     checkpoint.State
	first  *metrics.Eval // before the first step, if this process saw it
	best   *metrics.Eval
	tested *metrics.Test // nil before the end, or without a test text
	evaled int           // step of the last evaluation, −1 before any
	saved  int           // step of the last checkpoint, −1 before any
	due    bool          // a checkpoint waits for a step with finite values
}

// Run trains until train.steps, until train.patience runs out, or until ctx is done: then it saves and returns
// ErrInterrupted. Every error leaves the last checkpoint as it was. A new run appears in run.dir after its first step.
func Run(ctx context.Context, o Options) (err error) {
	s, err := open(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	return s.trainUntilAsked()
}

// trainUntilAsked trains, and saves when it is asked to stop.
func (s *session) trainUntilAsked() error {
	err := s.train()
	if asked := s.ctx.Err(); asked == nil || !errors.Is(err, asked) {
		return err
	}
	return s.interrupt()
}

// train takes the remaining steps. When the run is asked to stop, it returns the context's error.
func (s *session) train() error {
	s.meter = metrics.NewMeter(time.Now, s.at.ElapsedS)
	s.step.stop = s.ctx.Err
	if s.at.Step == 0 && s.evaled < 0 {
		if err := s.evaluate(); err != nil {
			return err
		}
	}
	if s.at.EvalDue {
		if err := s.evaluateAndSave(); err != nil {
			return err
		}
	}
	if s.Resume {
		s.sayDone()
	}
	for !s.done() {
		if s.Until > 0 && s.at.Step >= s.Until {
			return s.interrupt()
		}
		if err := s.advance(); err != nil {
			return err
		}
		if err := s.evaluateAndSave(); err != nil {
			return err
		}
	}
	return s.finish()
}

// done says whether the run is complete.
func (s *session) done() bool {
	t := s.Config.Train
	return s.at.Step >= t.Steps || t.Patience > 0 && s.at.BadEvals >= t.Patience
}

// sayDone explains why nothing is left to train, if that is so.
func (s *session) sayDone() {
	t := s.Config.Train
	switch {
	case s.at.Step > t.Steps:
		s.Console.Warn("nothing to train: the run has taken %d steps, and train.steps is %d", s.at.Step, t.Steps)
	case s.at.Step == t.Steps:
		s.Console.Note("nothing to train: the run has taken all its %d steps; a larger train.steps goes on", t.Steps)
	case s.done():
		s.Console.Note("nothing to train: the run has %s; a larger train.patience, or 0, goes on", s.impatient())
	}
}

// impatient explains why a run stopped early.
func (s *session) impatient() string {
	return fmt.Sprintf("stopped early: %d evaluations without improvement, train.patience is %d", s.at.BadEvals,
		s.Config.Train.Patience)
}

// advance takes one step and records it.
func (s *session) advance() error {
	r, err := s.step.step(s.at.Step)
	if err != nil {
		return err
	}
	if s.log == nil {
		if err := s.start(); err != nil {
			return err
		}
	}
	s.at.Step++
	s.at.Tokens += int64(r.Supervised)
	s.count(r)
	if err := s.record(r); err != nil {
		return err
	}
	if s.at.BadInARow >= maxBadInARow {
		return fmt.Errorf("stopped at step %d: %d steps in a row had a loss or gradient that is not finite; the "+
			"parameters are those of step %d; %s (a lower train.lr, a longer train.warmup or a smaller "+
			"train.grad_clip may help)",
			s.at.Step, maxBadInARow, s.at.Step-maxBadInARow, s.lastSaved())
	}
	return nil
}

// start creates the run directory, after the first step. It holds interruptions off first: without its configuration a
// run could neither be resumed nor begun anew, and --overwrite would have deleted the old one for nothing.
func (s *session) start() error {
	s.release = hold(s.ctx)
	if err := s.run.Start(s.Overwrite); err != nil {
		return err
	}
	return s.begin()
}

// count counts skipped steps.
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
	s.step.control.Record(&s.masks, s.step.stats)
	m := metrics.Step{
		Step:     s.at.Step,
		Loss:     metrics.Number(r.Loss),
		LR:       r.LR,
		GradNorm: metrics.Number(r.GradNorm),
		Tokens:   r.Supervised,
		Skipped:  r.Skipped,
		Hidden:   s.masks.Hidden,
		Time:     s.meter.Step(r.Supervised),
	}
	if s.Config.Mask.Hides() {
		m.Mask = &s.masks
	}
	s.Console.Step(&m)
	return s.log.Write(&m)
}

// evaluateAndSave evaluates and saves if either is due. A checkpoint comes after its step's evaluation, so that a
// resumed run never repeats one. No checkpoint is saved while steps are skipped: the run may have diverged.
func (s *session) evaluateAndSave() error {
	t := s.Config.Train
	if s.at.EvalDue || t.EvalEvery > 0 && s.at.Step%t.EvalEvery == 0 {
		s.at.EvalDue = true
		if err := s.evaluate(); err != nil {
			return err
		}
		s.at.EvalDue = false
	}
	best := s.at.Best != nil && s.at.Best.Step == s.at.Step
	s.due = s.due || t.SaveEvery > 0 && s.at.Step%t.SaveEvery == 0
	if best || s.due && s.at.BadInARow == 0 {
		return s.save()
	}
	return nil
}

// interrupt saves the run as it is.
func (s *session) interrupt() error {
	if s.log == nil {
		return ErrNotBegun
	}
	if s.saved != s.at.Step {
		if err := s.save(); err != nil {
			return err
		}
	}
	s.summary("interrupted")
	if s.ctx.Err() == nil {
		return nil
	}
	return ErrInterrupted
}

// finish evaluates and saves the last step and tests the best model, unless that has been done.
func (s *session) finish() error {
	saved := s.saved == s.at.Step
	if s.evaled != s.at.Step {
		if err := s.evaluate(); err != nil {
			return err
		}
		saved = false // what was saved does not know of this evaluation, which may be the best
	}
	if !saved {
		if err := s.save(); err != nil {
			return err
		}
	}
	if err := s.testBest(); err != nil {
		return err
	}
	if s.at.Step < s.Config.Train.Steps {
		s.Console.Note("%s", s.impatient())
	}
	s.summary(finished)
	return nil
}

// finished is the outcome of a complete run.
const finished = "finished"
