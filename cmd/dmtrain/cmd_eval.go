package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/spf13/cobra"

	"dmtrain/internal/files"
	"dmtrain/internal/metrics"
	"dmtrain/internal/saved"
	"dmtrain/internal/task"
	"dmtrain/internal/task/tasks"
)

type evalOptions struct {
	modelFlags
	data     []string
	split    string
	blanks   []float64
	perToken string
	json     bool
}

func evalCommand() *cobra.Command {
	var o evalOptions
	cmd := &cobra.Command{
		Use:   "eval (--run DIRECTORY | --checkpoint DIRECTORY)",
		Short: "Measure a trained model on text",
		Long: `eval reads the whole validation text of a run, or other text, under the static mask and
prints the loss (nats per token), perplexity, bits per byte of text, how often the most
probable token was right, and how far confidence is from accuracy (expected calibration
error). A best checkpoint was chosen by its loss on the validation text, which therefore is
a little too low there; --split test reads text that chose nothing, where the run has some.
Of a model trained to fill blanks (mask.form infill) it also tells how well it does, with
15 % and with 50 % of the tokens hidden.`,
		Example: `  dmtrain eval --run runs/quickstart
  dmtrain eval --run runs/quickstart --which last --threads 2 --json
  dmtrain eval --run runs/quickstart --split test
  dmtrain eval --run runs/quickstart --data book.txt --data 'more/*.txt'
  dmtrain eval --run runs/quickstart --per-token tokens.jsonl
  dmtrain eval --run runs/infill --blanks 0.15,0.5
  dmtrain eval --checkpoint runs/quickstart/checkpoints/step-000400 --device cpu`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return o.run(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	o.addFlags(cmd)
	flags := cmd.Flags()
	flags.StringArrayVar(&o.data, "data", nil,
		"read this text (`file`, glob or directory) instead of the run's validation text; repeatable")
	flags.StringVar(&o.split, "split", saved.SplitValid,
		"which `text` of the run to read: valid or test (data.test, data.test_fraction)")
	complete(cmd, "split", saved.SplitValid, saved.SplitTest)
	flags.Float64SliceVar(&o.blanks, "blanks", nil,
		"hide tokens at these `rates` and measure how well they are filled in "+
			"(default 0.15,0.5 for a model trained to)")
	hideDefaults(cmd, "blanks")
	flags.StringVar(&o.perToken, "per-token", "",
		"write one JSON line a token to this `file`: (pair,) position, token, nll, confidence, entropy")
	flags.BoolVar(&o.json, "json", false, "print one JSON object")
	return cmd
}

func (o *evalOptions) run(ctx context.Context, stdout, stderr io.Writer) (err error) {
	if err := o.check(); err != nil {
		return err
	}
	options := saved.EvalOptions{
		Ref:    o.Ref,
		Data:   o.data,
		Split:  o.split,
		Blanks: o.blanks,
	}
	if o.perToken != "" {
		file, err := files.Create(o.perToken)
		if err != nil {
			return fmt.Errorf("--per-token: %w", err)
		}
		defer file.Discard()
		onInterrupt(ctx, file.Discard)
		lines := bufio.NewWriter(file)
		options.PerToken = lines
		return o.report(ctx, options, stdout, stderr, func() error { return errors.Join(lines.Flush(), file.Commit()) })
	}
	return o.report(ctx, options, stdout, stderr, func() error { return nil })
}

// report evaluates, finishes the file of tokens and prints.
func (o *evalOptions) report(
	ctx context.Context, options saved.EvalOptions, stdout, stderr io.Writer, finish func() error,
) error {
	r, err := saved.Evaluate(ctx, options, tasks.All())
	if bad := (*task.OptionError)(nil); errors.As(err, &bad) {
		return usagef("--%w", bad)
	}
	if err != nil {
		return err
	}
	if err := finish(); err != nil {
		return fmt.Errorf("--per-token: %w", err)
	}
	if o.json {
		return errors.Join(json.NewEncoder(stdout).Encode(r), measured(r.Loss))
	}
	warnAll(stderr, r.Warnings)
	return errors.Join(printReport(stdout, r), measured(r.Loss))
}

// measured fails where a loss says nothing: parameters that are finite numbers may be so large that what is
// computed from them is not.
func measured(loss metrics.Number) error {
	if v := float64(loss); math.IsNaN(v) || math.IsInf(v, 0) {
		return fmt.Errorf("the loss is %v: what the model computes is no finite number; has its training diverged?", v)
	}
	return nil
}

func (o *evalOptions) check() error {
	for _, rate := range o.blanks {
		if !(rate > 0 && rate < 1) {
			return usagef("--blanks: %v is not a share of tokens to hide (between 0 and 1)", rate)
		}
	}
	switch {
	case o.split != saved.SplitValid && o.split != saved.SplitTest:
		return usagef("--split: %q is neither valid nor test", o.split)
	case len(o.data) > 0 && o.split != saved.SplitValid:
		return usagef("--split chooses a text of the run and --data names another: leave one out")
	}
	return o.modelFlags.check()
}

// chosen tells what text a model was measured on, and from how many evaluations on it it was chosen.
func chosen(split string, bestOf int) string {
	switch {
	case split == "data":
		return "--data"
	case split == saved.SplitTest:
		return "test"
	case bestOf > 1:
		return fmt.Sprintf("validation; the model is the best of %d evaluations on this text", bestOf)
	}
	return "validation"
}

func printReport(w io.Writer, r *saved.Report) error {
	t := table{}
	t.add("checkpoint", "%s (step %d)", r.Checkpoint, r.Step)
	t.add("device", "%s", r.Device)
	t.add("text", "%s", chosen(r.Split, r.BestOf))
	t.add("loss", "%.4f nats/token", float64(r.Loss))
	t.add("perplexity", "%.4g", float64(r.Perplexity))
	t.add("bits per byte", "%.4f", float64(r.BitsPerByte))
	t.add("accuracy", "%.2f %%", 100*r.Accuracy)
	t.add("calibration error", "%.2f %%", 100*r.ECE)
	t.add("tokens", "%d", r.Tokens)
	if r.Unknown > 0 {
		t.add("unknown characters", "%d, left out", r.Unknown)
	}
	for _, b := range r.Infill {
		t.add(fmt.Sprintf("%.3g %% hidden", 100*b.Hidden), "loss %.4f nats/token, accuracy %.2f %%, %d tokens",
			float64(b.Loss), 100*b.Accuracy, b.Tokens)
	}
	if p := r.Pairs; p != nil {
		t.add("exact match", "%.2f %% of %d pairs", p.Exact, p.Pairs)
		t.add("BLEU", "%.2f", p.BLEU)
		t.add("chrF2", "%.2f", p.ChrF)
		t.add("ROUGE-1/2/L", "%.2f / %.2f / %.2f", p.ROUGE1, p.ROUGE2, p.ROUGEL)
	}
	return t.print(w)
}
