package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"dmtrain/internal/canary"
	"dmtrain/internal/config"
	"dmtrain/internal/task/tasks"
)

type maskCanaryOptions struct {
	layers
	minutes float64
	steps   int
	json    bool
}

func maskCanaryCommand() *cobra.Command {
	var o maskCanaryOptions
	cmd := &cobra.Command{
		Use:   "canary --config FILE",
		Short: "Train on random text, whose entropy is known: no loss may be lower",
		Long: `canary trains a small model under the masks of a configuration on random text, by the
whole way from files to losses, and compares every loss with the least that can be
expected of a predictor that knows all that its position may know. Check proves that no
answer gets through a model's layers; canary also sees answers that get in beside them,
wherever a mask, a bound or a token is made from what has to be predicted.

The verdict is sound, or LEAK where a mean loss lies more than four standard errors below
its bound. A sound run is followed by a positive control, the same run with a leak planted:
if that is not found either, the run was too short to tell.

Exit codes: 0 sound, 1 too short to tell, 3 a leak.`,
		Example: `  dmtrain mask canary --config configs/adaptive.yaml
  dmtrain mask canary --config my.yaml --minutes 10 --json
  dmtrain mask canary --config my.yaml --steps 400 --device cpu --threads 2
  dmtrain mask canary --config my.yaml --set mask.structure=lookahead --set mask.window=2`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return o.run(cmd.Context(), cmd.OutOrStdout())
		},
	}
	o.addFlags(cmd)
	flags := cmd.Flags()
	flags.Float64Var(&o.minutes, "minutes", 3, "take about so many `minutes`, the positive control included")
	flags.IntVar(&o.steps, "steps", 0, "train for so many `steps` instead, with the same result each time")
	flags.BoolVar(&o.json, "json", false, "print one JSON object")
	hideDefaults(cmd, "steps")
	return cmd
}

func (o *maskCanaryOptions) run(ctx context.Context, stdout io.Writer) error {
	switch {
	case !(o.minutes > 0 && o.minutes <= 24*60):
		return usagef("--minutes: %v is not a time (above 0, at most a day)", o.minutes)
	case o.steps != 0 && o.steps < canary.MinSteps:
		return usagef("--steps: %d steps show nothing (%d or more; 0 = as many as --minutes allow)", o.steps,
			canary.MinSteps)
	}
	c, err := o.load()
	if err != nil {
		return err
	}
	r, err := canary.Run(ctx, canary.Options{
		Config:  c,
		Tasks:   tasks.All(),
		Minutes: o.minutes,
		Steps:   o.steps,
	})
	if err != nil {
		return err
	}
	if o.json {
		err = json.NewEncoder(stdout).Encode(r)
	} else {
		err = printCanary(stdout, r, c)
	}
	if err != nil {
		return err
	}
	return verdictOf(r)
}

// verdictOf is the error of a canary that found a leak, or could not have found one.
func verdictOf(r *canary.Report) error {
	switch r.Verdict {
	case canary.Leaks:
		return &canary.Error{Class: *r.First}
	case canary.TooShort:
		return errors.New("too short to tell: not even the planted leak was found; give it more --minutes")
	}
	return nil
}

func printCanary(out io.Writer, r *canary.Report, c config.Config) error {
	fmt.Fprintf(out, "structure %s, form %s, control %s; random text of %d letters", r.Structure, r.Form, r.Control,
		r.Text.Letters)
	if r.Cross != "" {
		fmt.Fprintf(out, ", sources of %.3g and targets of %.3g on average", r.Text.Source, r.Text.Mean)
	} else if r.Text.Documents != canary.Single {
		fmt.Fprintf(out, ", documents of %.3g on average", r.Text.Mean)
	}
	fmt.Fprintf(out, "\n%d steps of a model of %d layers and width %d, rows of %d tokens, %.0f s\n\n", r.Steps,
		r.Layers, r.Dim, r.SeqLen, r.Seconds)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "losses of\tpredicting\tclass\ttargets\tloss\tbound\tloss − bound\t\tplanted\twould see")
	for _, k := range r.Classes {
		fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%.4f\t%.4f\t%+.4f ± %.4f\t%s\t%s\t%s\n", k.Set, k.Kind, k.Class, k.Targets,
			k.Loss, k.Bound, k.D, k.SE, classMark(&k),
			number(k.Planted, "%+.4f"), number(k.Detects, "%.4f"))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "\n%s\n", conclusion(r))
	return err
}

// classMark is the mark of a class in the table.
func classMark(c *canary.Class) string {
	switch {
	case c.Leak:
		return "LEAK"
	case !c.Proves:
		return "(chosen by the answer)"
	}
	return ""
}

func number(v *float64, format string) string {
	if v == nil {
		return ""
	}
	return fmt.Sprintf(format, *v)
}

func conclusion(r *canary.Report) string {
	switch r.Verdict {
	case canary.Leaks:
		return fmt.Sprintf("LEAK: %s, %s, %s.", r.First.Set, r.First.Kind, r.First.Class)
	case canary.TooShort:
		return "too short to tell."
	}
	text := "sound"
	for _, c := range r.Classes {
		if c.Detects != nil {
			text += fmt.Sprintf("; %s: would have seen a leak of %.4f nats a target", c.Kind, *c.Detects)
		}
	}
	return text + "."
}
