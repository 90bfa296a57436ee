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
	// Config is what every arm varies. Run.Dir is the comparison's directory, Run.Seed the first seed.
	Config   config.Config
	Arms     []Arm
	Baseline string // name of an arm; empty: the first
	Seeds    int    // runs of each arm
	Jobs     int    // runs at the same time
	Resume   bool   // continue a comparison, keeping finished runs
	Version  string // of the program, kept with the runs
	Progress io.Writer
}

// Check returns what is wrong with the options.
func (o Options) Check() error {
	names, dirs := map[string]bool{}, map[string]bool{}
	for _, a := range o.Arms {
		if names[a.Name] || dirs[a.dir()] {
			return fmt.Errorf("two arms are named %s: give one another name, as NAME:key=value", a.Name)
		}
		names[a.Name], dirs[a.dir()] = true, true
		if a.Yoked != "" && o.Seeds < 2 {
			return fmt.Errorf("%s replays the openness of another seed's run, so it needs at least 2 seeds", a.Name)
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
	_, err := runsOf(o)
	return err
}

// baseline is the index of the baseline arm.
func (o Options) baseline() int {
	for i, a := range o.Arms {
		if a.Name == o.Baseline {
			return i
		}
	}
	return 0
}

// comparison is a comparison in progress.
type comparison struct {
	Options
	runs     []run
	setup    Setup
	progress *progress
}

// Run trains every run that is not finished, and reports on all. When ctx is done, it saves the runs in progress and
// returns [train.ErrInterrupted].
func Run(ctx context.Context, o Options) (*Report, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	c := &comparison{Options: o}
	var err error
	if c.runs, err = runsOf(o); err != nil {
		return nil, err
	}
	warnings, err := c.measure()
	if err != nil {
		return nil, err
	}
	stages, err := c.stages()
	if err != nil {
		return nil, err
	}
	c.progress = newProgress(o.Progress, len(c.runs), o.Jobs, warnings)
	c.progress.begin(c)
	for _, yoked := range []bool{false, true} { // yoked runs replay finished ones
		if err := c.train(ctx, stages, yoked); err != nil {
			return nil, err
		}
	}
	return c.report()
}

// measure opens the text and the device, and records their properties.
func (c *comparison) measure() (warnings []string, err error) {
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
	for i := range c.runs {
		c.runs[i].tokens = c.setup.StepTokens
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

// stages are the stages of all runs. It is an error if one can't be continued.
func (c *comparison) stages() ([]stage, error) {
	stages := make([]stage, len(c.runs))
	for i := range c.runs {
		s, err := c.runs[i].stage()
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

// train trains the yoked runs, or the others, until the first error.
func (c *comparison) train(ctx context.Context, stages []stage, yoked bool) error {
	group, inner := errgroup.WithContext(ctx)
	group.SetLimit(c.Jobs)
	for i := range c.runs {
		r := &c.runs[i]
		if r.yoked != yoked {
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
			return c.trainOne(inner, r, stages[i])
		})
	}
	err := group.Wait()
	if ctx.Err() != nil || errors.Is(err, train.ErrInterrupted) {
		return fmt.Errorf("%w: %d of %d runs are finished, all is saved; go on by the same command with --resume",
			train.ErrInterrupted, c.progress.done, len(c.runs))
	}
	return err
}

// threads is the number of threads of each run.
func (c *comparison) threads() int { return max(1, runtime.GOMAXPROCS(0)/c.Jobs) }

// trainOne trains one run.
func (c *comparison) trainOne(ctx context.Context, r *run, s stage) (err error) {
	defer func() { // no other function recovers panics of this goroutine
		if cause := recover(); cause != nil {
			fault, ok := cause.(*kernels.Fault)
			if !ok {
				panic(cause)
			}
			err = fault
		}
	}()
	name := r.name(c.Arms)
	c.progress.start(name, s)
	err = train.Run(ctx, train.Options{
		Config:  r.config,
		Tasks:   c.Tasks,
		Version: c.Version,
		Resume:  s == started,
		Threads: c.threads(),
		Console: c.progress.console(name),
	})
	if errors.Is(err, train.ErrInterrupted) {
		return err
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	result, err := r.result()
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	c.progress.finish(name, result)
	return nil
}
