package train

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"dmtrain/internal/checkpoint"
	"dmtrain/internal/mask"
	"dmtrain/internal/metrics"
	"dmtrain/internal/recipe"
	"dmtrain/internal/task"
	"dmtrain/internal/tokenizer"
)

// open makes a session that begins a new run or resumes one at its last checkpoint. A new run is not written before
// its first step has worked.
func open(ctx context.Context, o Options) (_ *session, err error) {
	s := &session{
		Options: o,
		ctx:     ctx,
		evaled:  -1,
		saved:   -1,
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	if o.Resume {
		return s, s.resume()
	}
	if _, err := checkpoint.ViewRun(o.Config.Run.Dir); err == nil && !o.Overwrite {
		return nil, fmt.Errorf("%s: %w", o.Config.Run.Dir, checkpoint.ErrRunExists)
	}
	if err := s.assemble(nil, nil); err != nil {
		return nil, err
	}
	if err := s.refuseLeak(); err != nil {
		return nil, err
	}
	if s.run, err = checkpoint.ClaimRun(o.Config.Run.Dir, o.Overwrite); err != nil {
		return nil, err
	}
	s.sayDevice()
	return s, nil
}

// refuseLeak plans the first step, so that a mask that leaks leaves no run behind.
func (s *session) refuseLeak() error {
	err := s.step.plan(0, new(result))
	if err != nil && s.Config.Mask.Structure == mask.StructureLookahead {
		err = fmt.Errorf("%w\nmask.structure: lookahead lets positions that must predict the next token look past "+
			"themselves. Even where that is not the answer itself, it reaches it through the layers. What can look "+
			"ahead safely are slots: mask.form infill, under structure causal", err)
	}
	return err
}

// resume continues a run from its last checkpoint, or from its first step if it has none.
func (s *session) resume() (err error) {
	if s.run, err = checkpoint.ResumeRun(s.Config.Run.Dir); err != nil {
		return err
	}
	if s.From > 0 {
		if _, err := s.run.Find(fmt.Sprint(s.From)); err != nil {
			return err
		}
		if err := s.run.Rewind(s.From); err != nil {
			return err
		}
	}
	if err := s.checkSettings(); err != nil {
		return err
	}
	saved, err := s.run.Load("last")
	if errors.Is(err, checkpoint.ErrNoCheckpoint) {
		if err := s.assemble(nil, nil); err != nil {
			return err
		}
		s.Console.Note("no checkpoint yet in %s: starting from step 0", s.run.Dir)
		s.sayDevice()
		return s.begin()
	}
	if err != nil {
		return suggestIntact(err)
	}
	defer saved.Close()
	tok, err := tokenizer.Load(saved.Files())
	if err != nil {
		return fmt.Errorf("%s: %w", saved.Dir, err)
	}
	var was task.Identity
	if json.Unmarshal(saved.State.Data, &was) != nil {
		was = task.Identity{} // matches no text: restore reports it
	}
	if err := s.assemble(tok, &was); err != nil {
		return s.outdated(err, saved.State.Version)
	}
	if err := s.restore(saved, was); err != nil {
		return err
	}
	s.Console.Note("resumed %s at step %d", s.run.Dir, s.at.Step)
	s.sayDevice()
	return s.begin()
}

// outdated explains that this program can't resume a run of an older one.
func (s *session) outdated(err error, version string) error {
	var o *task.OutdatedError
	if !errors.As(err, &o) {
		return err
	}
	return fmt.Errorf("%s can't be resumed: dmtrain %s, which began it, %s; end it with that program, or begin a "+
		"new run in another run.dir. Its checkpoints can be read as before", s.run.Dir, version, o.Reason)
}

// suggestIntact adds to the error of a damaged checkpoint how to resume from an intact one.
func suggestIntact(err error) error {
	var d *checkpoint.DamagedError
	if !errors.As(err, &d) || d.Intact == "" {
		return err
	}
	step := strings.TrimLeft(strings.TrimPrefix(filepath.Base(d.Intact), "step-"), "0")
	return fmt.Errorf("%w: go on from it by --resume --from %s", err, step)
}

// assemble opens the device and the text, and builds the stepper and the evaluators. tok and was are the tokenizer and
// the text's identity of a resumed run; nil for a new one.
func (s *session) assemble(tok tokenizer.Tokenizer, was *task.Identity) (err error) {
	c := s.Config
	yoke, err := recipe.Yoke(c.Mask)
	if err != nil {
		return err
	}
	if s.be, err = recipe.Device(c, s.Threads); err != nil {
		return err
	}
	if c.Train.Warmup > c.Train.Steps {
		s.Console.Warn("train.warmup: %d steps are more than train.steps, %d: the learning rate never reaches train.lr",
			c.Train.Warmup, c.Train.Steps)
	}
	s.task = s.Tasks.Must(c)
	if s.text, err = s.task.Open(c, task.Options{Tokenizer: tok, Was: was}); err != nil {
		return err
	}
	for _, w := range s.text.Warnings {
		s.Console.Warn("%s", w)
	}
	if s.step, err = newStepper(s.be, c, s.task, s.text.Train, recipe.MaskRun(c, s.text.Facts(), yoke)); err != nil {
		return err
	}
	s.step.hooks, s.step.tokenizer = s.Hooks, s.text.Tokenizer
	return s.addEvaluators()
}

// addEvaluators makes the evaluators of the validation and test texts.
func (s *session) addEvaluators() (err error) {
	if s.valid, err = task.NewEvaluator(s.step.model, s.step.planner, s.text.Valid, s.step.arena); err != nil ||
		s.text.Test == nil {
		return err
	}
	s.test, err = task.NewEvaluator(s.step.model, s.step.planner, s.text.Test, s.step.arena)
	return err
}

// restore reads all state from a checkpoint, whose text has the identity was.
func (s *session) restore(saved *checkpoint.Saved, was task.Identity) error {
	s.at = saved.State
	if s.at.Seed != s.Config.Run.Seed {
		return fmt.Errorf("run.seed: %d, but the run began with %d", s.Config.Run.Seed, s.at.Seed)
	}
	if !was.Same(s.text.Identity) {
		return fmt.Errorf("data.train, data.valid: the text is not the one that %s was trained on; the run's own "+
			"settings are in %s", saved.Dir, s.run.Path(checkpoint.ConfigFile))
	}
	var state mask.State
	if err := json.Unmarshal(s.at.Mask, &state); err != nil {
		return fmt.Errorf("%s: the mask controller's state: %w", saved.Dir, err)
	}
	if err := s.step.control.Restore(state); err != nil {
		return fmt.Errorf("%s: %w", saved.Dir, err)
	}
	var opt optimizerState
	if err := json.Unmarshal(s.at.Optimizer, &opt); err != nil {
		return fmt.Errorf("%s: the optimiser's state: %w", saved.Dir, err)
	}
	s.step.opt.Taken = opt.Taken
	params := s.step.model.Params
	if a := s.step.average; a != nil {
		if err := saved.ReadParams(s.be, params, a.Mean); err != nil {
			return err
		}
	}
	if err := saved.ReadTrained(s.be, params); err != nil {
		return err
	}
	if err := params.Round(); err != nil {
		return err
	}
	if err := saved.ReadMoments(s.be, params, s.step.opt.Moment1, s.step.opt.Moment2); err != nil {
		return err
	}
	s.saved, s.evaled = s.at.Step, s.at.Evaled
	if b := s.at.Best; b != nil {
		s.best = &metrics.Eval{
			Step:       b.Step,
			ValidLoss:  metrics.Number(b.Loss),
			Perplexity: metrics.Number(metrics.Perplexity(b.Loss)),
		}
	}
	if s.at.Tested != nil && was.Test != s.text.Identity.Test {
		s.at.Tested.Step = -1
	}
	return s.readLog()
}

// sayDevice prints the device that the run trains on.
func (s *session) sayDevice() {
	info := s.be.Info()
	if info.NoGPU != "" {
		s.Console.Note("%s", info.NoGPU)
	}
	s.Console.Note("training on %v", info)
}

// begin writes the configuration and opens the log. From here on the run has something to save.
func (s *session) begin() (err error) {
	if s.release == nil {
		s.release = hold(s.ctx)
	}
	if err := s.run.WriteFile(checkpoint.ConfigFile, s.settings()); err != nil {
		return err
	}
	if s.log, err = metrics.OpenLog(s.run.Path(checkpoint.MetricsFile), s.at.MetricsBytes); err != nil {
		return err
	}
	if s.at.MetricsBytes == 0 {
		if err := s.log.Write(&s.text.Overlaps); err != nil {
			return err
		}
	}
	if s.first == nil {
		return nil
	}
	return s.log.Write(s.first)
}

// close releases all that the session holds.
func (s *session) close() error {
	var errs []error
	if s.release != nil {
		defer s.release()
	}
	if s.log != nil {
		errs = append(errs, s.log.Close())
	}
	if s.run != nil {
		errs = append(errs, s.run.Close())
	}
	if s.be != nil {
		errs = append(errs, s.be.Close())
	}
	if s.text != nil {
		errs = append(errs, s.text.Close())
	}
	return errors.Join(errs...)
}
