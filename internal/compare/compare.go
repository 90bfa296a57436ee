package compare

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"

	"golang.org/x/sync/errgroup"

	"dmtrain/internal/backend"
	"dmtrain/internal/config"
	"dmtrain/internal/kernels"
	"dmtrain/internal/task"
	"dmtrain/internal/train"
)

// Options say what to compare.
type Options struct {
	Tasks task.Table
	// what every arm is a variation of; Run.Dir is where the comparison is kept, Run.Seed the first seed
	Config   config.Config
	Arms     []Arm
	Baseline string // name of an arm; empty: the first
	Seeds    int    // trials an arm
	Jobs     int    // trials at the same time
	Resume   bool   // go on with a comparison, keeping what is finished
	Version  string // of the program, kept with the runs
	Progress io.Writer
}

// Check says what is wrong with the options, before any work.
func (o Options) Check() error {
	names, dirs := map[string]bool{}, map[string]bool{}
	for _, a := range o.Arms {
		if names[a.Name] || dirs[a.dir()] {
			return fmt.Errorf("two arms are named %s: give one another name, as NAME:key=value", a.Name)
		}
		names[a.Name], dirs[a.dir()] = true, true
		if a.Yoked != "" && o.Seeds < 2 {
			return fmt.Errorf("%s replays the openness of another seed's trial, so it needs at least 2 seeds", a.Name)
		}
	}
	switch {
	case len(o.Arms) < 2:
		return errors.New("a comparison needs two arms at least")
	case o.Baseline != "" && !names[o.Baseline]:
		return fmt.Errorf("the baseline %q is not among the arms", o.Baseline)
	case o.Seeds < 1:
		return fmt.Errorf("%d is not a number of seeds (1 or more)", o.Seeds)
	case o.Jobs < 1:
		return fmt.Errorf("%d is not a number of runs at the same time (1 or more)", o.Jobs)
	case o.Config.Train.Patience > 0:
		return fmt.Errorf("train.patience: %d could end arms after different numbers of tokens: set it to 0",
			o.Config.Train.Patience)
	}
	_, err := trialsOf(o)
	return err
}

// baseline is the index of the arm all others are compared with.
func (o Options) baseline() int {
	for i, a := range o.Arms {
		if a.Name == o.Baseline {
			return i
		}
	}
	return 0
}

// comparison is the work.
type comparison struct {
	Options
	trials   []trial
	setup    Setup
	progress *progress
}

// Run trains every trial that is not finished, and reports on all of them. When ctx is done the trials that are being
// trained are saved, and the error is [train.ErrInterrupted].
func Run(ctx context.Context, o Options) (*Report, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	c := &comparison{Options: o}
	var err error
	if c.trials, err = trialsOf(o); err != nil {
		return nil, err
	}
	warnings, err := c.look()
	if err != nil {
		return nil, err
	}
	stages, err := c.stages()
	if err != nil {
		return nil, err
	}
	c.progress = newProgress(o.Progress, len(c.trials), o.Jobs, warnings)
	c.progress.begin(c)
	for _, yoked := range []bool{false, true} { // a yoked trial replays one that has to be finished
		if err := c.train(ctx, stages, yoked); err != nil {
			return nil, err
		}
	}
	return c.report()
}

// look opens the text and the device, to see that they are there and what they are.
func (c *comparison) look() (warnings []string, err error) {
	text, err := c.Tasks.Must(c.Config).Open(c.Config, task.Options{})
	if err != nil {
		return nil, err
	}
	t := c.Config.Train
	c.setup = Setup{
		Steps:       t.Steps,
		BatchSize:   t.BatchSize,
		SeqLen:      c.Config.Data.SeqLen,
		StepTokens:  text.Train.StepTokens(),
		TrainTokens: text.Train.Tokens(),
		ValidTokens: text.Valid.Targets(),
	}
	for i := range c.trials {
		c.trials[i].tokens = c.setup.StepTokens
	}
	if text.Test != nil {
		c.setup.TestTokens = text.Test.Targets()
	}
	if err := text.Close(); err != nil {
		return nil, err
	}
	be, err := backend.OpenThreads(c.Config.Device, c.threads())
	if err != nil {
		return nil, err
	}
	info := be.Info()
	c.setup.Device, c.setup.Threads = info.Name+" "+info.Path, info.Threads
	return text.Warnings, be.Close()
}

// stages is how far each trial has come. Whatever forbids going on is an error before anything is trained.
func (c *comparison) stages() ([]stage, error) {
	stages := make([]stage, len(c.trials))
	for i := range c.trials {
		s, err := c.trials[i].stage()
		if err != nil {
			return nil, err
		}
		if s != absent && !c.Resume {
			return nil, fmt.Errorf("%s: a comparison is already here: go on with it by --resume, or keep this one "+
				"elsewhere by --out", c.Config.Run.Dir)
		}
		stages[i] = s
	}
	return stages, nil
}

// train trains the trials that are yoked, or those that are not, until the first error.
func (c *comparison) train(ctx context.Context, stages []stage, yoked bool) error {
	group, inner := errgroup.WithContext(ctx)
	group.SetLimit(c.Jobs)
	for i := range c.trials {
		t := &c.trials[i]
		if t.yoked != yoked {
			continue
		}
		if stages[i] == finished {
			c.progress.skip()
			continue
		}
		group.Go(func() error {
			if inner.Err() != nil {
				return nil
			}
			return c.one(inner, t, stages[i])
		})
	}
	err := group.Wait()
	if ctx.Err() != nil || errors.Is(err, train.ErrInterrupted) {
		return fmt.Errorf("%w: %d of %d runs are finished, all is saved; go on by the same command with --resume",
			train.ErrInterrupted, c.progress.done, len(c.trials))
	}
	return err
}

// threads are a trial's share of the CPU's.
func (c *comparison) threads() int { return max(1, runtime.GOMAXPROCS(0)/c.Jobs) }

// one trains a trial.
func (c *comparison) one(ctx context.Context, t *trial, s stage) (err error) {
	defer func() { // on this goroutine nobody else could recover it
		if cause := recover(); cause != nil {
			fault, ok := cause.(*kernels.Fault)
			if !ok {
				panic(cause)
			}
			err = fault
		}
	}()
	name := t.name(c.Arms)
	c.progress.start(name, s)
	err = train.Run(ctx, train.Options{
		Config:    t.config,
		Tasks:     c.Tasks,
		Version:   c.Version,
		Resume:    s == started,
		Overwrite: s == torn,
		Threads:   c.threads(),
		Console:   c.progress.console(name),
	})
	if errors.Is(err, train.ErrInterrupted) {
		return err
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	r, err := t.result()
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	c.progress.finish(name, r)
	return nil
}
