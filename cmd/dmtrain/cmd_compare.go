package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"dmtrain/internal/compare"
	"dmtrain/internal/config"
	"dmtrain/internal/task/tasks"
)

type compareOptions struct {
	layers
	arms     []string
	baseline string
	seeds    int
	jobs     int
	out      string
	resume   bool
	json     bool
	quiet    bool
}

func compareCommand() *cobra.Command {
	var o compareOptions
	cmd := &cobra.Command{
		Use:   "compare --config FILE",
		Short: "Train variations of a configuration and tell whether they differ",
		Long: `compare trains variations of a configuration, its arms, at equal tokens: the same text,
steps and batches, and the same seeds for all, so that differences can be taken seed by
seed. It prints a table with 95 % intervals and writes it to ` + compare.MarkdownFile + `, ` + compare.JSONFile + `
and ` + compare.PictureFile + ` in the directory of the comparison, which also keeps every run.

The arms are, besides your own NAME:key=value;key=value (where a ready-made arm may
stand for a part):

` + readyArms() + `
SIGINT (Ctrl-C) or SIGTERM saves the runs being trained and exits with code 130; the same
command with --resume goes on and keeps what is finished.`,
		Example: `  dmtrain compare --config configs/compare-small.yaml --set data.train=tinyshakespeare.txt
  dmtrain compare --config my.yaml --arms static,dropout:0.1,adaptive,yoked --seeds 5
  dmtrain compare --config my.yaml --arms 'static,wide:adaptive;mask.max_window=64' --baseline static
  dmtrain compare --config my.yaml --set train.steps=500 --out runs/short --jobs 2 --threads 8 --quiet
  dmtrain compare --config my.yaml --device cpu --resume --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return o.run(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	o.addFlags(cmd)
	flags := cmd.Flags()
	flags.StringArrayVar(&o.arms, "arms", []string{compare.DefaultArms}, "what to compare, a `list`; repeatable")
	flags.StringVar(&o.baseline, "baseline", "", "the `arm` that the others are compared with (default the first)")
	flags.IntVar(&o.seeds, "seeds", 3, "how many `seeds` to train each arm with, from run.seed up")
	flags.IntVar(&o.jobs, "jobs", 1, "how many `runs` to train at the same time; they share the threads")
	flags.StringVar(&o.out, "out", "", "the `directory` of the comparison (default run.dir)")
	flags.BoolVar(&o.resume, "resume", false, "go on with the comparison in the directory")
	flags.BoolVar(&o.json, "json", false, "print one JSON object instead of the table")
	flags.BoolVarP(&o.quiet, "quiet", "q", false, "tell nothing of the progress")
	must(cmd.MarkFlagDirname("out"))
	return cmd
}

// readyArms lists the arms known by name.
func readyArms() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, a := range compare.ReadyArms() {
		fmt.Fprintf(w, "  %s\t%s\n", a.Name, a.About)
	}
	if err := w.Flush(); err != nil {
		panic("dmtrain: " + err.Error()) // a strings.Builder takes everything
	}
	return b.String()
}

func (o *compareOptions) run(ctx context.Context, stdout, stderr io.Writer) error {
	arms, err := compare.ParseArms(strings.Join(o.arms, ","))
	if err != nil {
		return usagef("--arms: %w", err)
	}
	c, err := o.load()
	if err != nil {
		return err
	}
	if o.out != "" {
		c.Run.Dir = o.out
	}
	c.Run.Dir = filepath.Clean(c.Run.Dir)
	options := compare.Options{
		Config:   c,
		Tasks:    tasks.All(),
		Arms:     arms,
		Baseline: o.baseline,
		Seeds:    o.seeds,
		Jobs:     o.jobs,
		Resume:   o.resume,
		Version:  readVersion().String(),
		Progress: stderr,
	}
	if o.quiet {
		options.Progress = io.Discard
	}
	if err := options.Check(); err != nil {
		if invalid := (*config.Invalid)(nil); errors.As(err, &invalid) {
			return err
		}
		return usageError{err}
	}
	report, err := compare.Run(ctx, options)
	if err != nil {
		return err
	}
	if err := report.Write(); err != nil {
		return err
	}
	if o.json {
		return json.NewEncoder(stdout).Encode(report)
	}
	_, err = io.WriteString(stdout, report.Markdown())
	return err
}
