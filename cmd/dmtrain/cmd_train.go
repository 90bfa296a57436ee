package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"dmtrain/internal/checkpoint"
	"dmtrain/internal/config"
	"dmtrain/internal/files"
	"dmtrain/internal/metrics"
	"dmtrain/internal/task/tasks"
	"dmtrain/internal/train"
)

type trainOptions struct {
	layers
	resume    bool
	overwrite bool
	from      int
	until     int
	quiet     bool
}

func trainCommand() *cobra.Command {
	var o trainOptions
	cmd := &cobra.Command{
		Use:   "train --config FILE",
		Short: "Train a model, or go on training one",
		Long: `train trains the model that a configuration describes, evaluates it as it goes, and
keeps checkpoints, metrics and the resolved configuration in the directory run.dir.

The first SIGINT (Ctrl-C) or SIGTERM drops the step or evaluation under way, saves and
exits with code 130; the second one kills. A resumed run ends with the very bits of one
that was never stopped.`,
		Example: `  dmtrain train --config configs/quickstart.yaml
  dmtrain train --config my.yaml --set train.steps=200 --set data.train='books/*.txt'
  dmtrain train --config my.yaml --device cpu --threads 4 --until 100
  dmtrain train --config runs/my/config.yaml --resume
  dmtrain train --config runs/my/config.yaml --resume --from 300
  dmtrain train --config my.yaml --overwrite --quiet`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context(), cmd.ErrOrStderr()) },
	}
	o.addFlags(cmd)
	flags := cmd.Flags()
	flags.BoolVar(&o.resume, "resume", false, "go on with the run in run.dir from its last checkpoint")
	flags.BoolVar(&o.overwrite, "overwrite", false, "discard the run that is in run.dir")
	flags.IntVar(&o.from, "from", 0, "with --resume: go on from the checkpoint of this `step` and set newer ones aside")
	flags.IntVar(&o.until, "until", 0,
		"save and stop after this `step`, for a later --resume (0 = go on to train.steps)")
	flags.BoolVarP(&o.quiet, "quiet", "q", false, "show warnings only; metrics.jsonl in the run has everything")
	return cmd
}

func (o *trainOptions) run(ctx context.Context, stderr io.Writer) error {
	if err := o.check(); err != nil {
		return err
	}
	c, err := o.load()
	if err != nil {
		return err
	}
	console := newConsole(c, stderr, o.quiet)
	if o.resume {
		if err := o.checkMoved(c.Run.Dir, console); err != nil {
			return err
		}
	}
	err = train.Run(ctx, train.Options{
		Tasks:     tasks.All(),
		Config:    c,
		Version:   readVersion().String(),
		Resume:    o.resume,
		Overwrite: o.overwrite,
		From:      o.from,
		Until:     o.until,
		Console:   console,
	})
	console.Break()
	// without --quiet the summary says it
	if o.quiet && errors.Is(err, train.ErrInterrupted) && !errors.Is(err, train.ErrNotBegun) {
		return fmt.Errorf("%w; all is saved, go on by\n  dmtrain train --config %s --resume", err,
			files.Quoted(filepath.Join(c.Run.Dir, checkpoint.ConfigFile)))
	}
	return err
}

// checkMoved detects the configuration of a run that was copied or renamed, whose run.dir still names the old place.
func (o *trainOptions) checkMoved(runDir string, console *metrics.Console) error {
	beside := filepath.Dir(o.file)
	if _, err := checkpoint.ViewRun(beside); err != nil || filepath.Base(o.file) != checkpoint.ConfigFile {
		return nil
	}
	here, err := os.Stat(beside)
	if err != nil {
		return err
	}
	if there, err := os.Stat(runDir); err == nil && os.SameFile(here, there) {
		return nil
	}
	if _, err := checkpoint.ViewRun(runDir); err != nil {
		return fmt.Errorf("%w; %s is in a run that was moved: go on there by --set run.dir=%s", err, o.file,
			files.Quoted(beside))
	}
	console.Warn("run.dir: going on with %s, which %s names, not with the run that it is in; --set run.dir=%s goes "+
		"on there", runDir, o.file, files.Quoted(beside))
	return nil
}

func (o *trainOptions) check() error {
	switch {
	case o.resume && o.overwrite:
		return usagef("--resume goes on with a run and --overwrite discards it: leave one out")
	case o.from != 0 && !o.resume:
		return usagef("--from needs --resume")
	case o.from < 0:
		return usagef("--from: %d is not a step", o.from)
	case o.until < 0:
		return usagef("--until: %d is not a step", o.until)
	}
	return nil
}

// newConsole shows progress: one line written over on a terminal, plain lines elsewhere.
func newConsole(c config.Config, stderr io.Writer, quiet bool) *metrics.Console {
	o := metrics.ConsoleOptions{
		Out:   stderr,
		Steps: c.Train.Steps,
		Every: c.Log.Every,
		Quiet: quiet,
	}
	if f, ok := stderr.(*os.File); ok {
		o.Width = metrics.TerminalWidth(f)
	}
	return metrics.NewConsole(o)
}
