package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"dmtrain/internal/mask"
	"dmtrain/internal/maskcheck"
	"dmtrain/internal/task/tasks"
)

type maskCheckOptions struct {
	layers
	maskcheck.Options
	json bool
}

func maskCheckCommand() *cobra.Command {
	var o maskCheckOptions
	cmd := &cobra.Command{
		Use:   "check --config FILE",
		Short: "Prove that a configuration's masks show no position its own answer",
		Long: `check plans masks of a configuration at steps spread over its run, closed, open and in
between, and judges each plan in three ways:

  certificate  the quick proof that also guards every step of training; it holds for any
               number of layers
  closure      exactly what each output can depend on through the model's layers
  probe        a real model with random weights: a token is changed, and every output that
               must predict it has to keep all its bits
  source       for task seq2seq, a probe of the source: tokens that an output has not waited
               for (mask.cross: wait_k) are changed, and it has to keep all its bits

A leak is told with its row, its position and the way the answer takes, and once where
other plans have the same; the exit code is then 3. The column hidden counts the tokens
that are hidden in all rows, of which those that keep the static mask hide none.`,
		Example: `  dmtrain mask check --config configs/adaptive.yaml
  dmtrain mask check --config my.yaml --rows 16 --layers 12
  dmtrain mask check --config my.yaml --set mask.structure=lookahead --set mask.window=2
  dmtrain mask check --config my.yaml --device cpu --threads 2 --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return o.run(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	o.addFlags(cmd)
	flags := cmd.Flags()
	flags.IntVar(&o.Rows, "rows", 0, "how many `rows` each plan has; 0 = as many as keep it quick")
	flags.IntVar(&o.Layers, "layers", 0, "through how many `layers` closure and probe look; 0 = model.layers")
	flags.BoolVar(&o.json, "json", false, "print one JSON object")
	return cmd
}

func (o *maskCheckOptions) check() error {
	switch {
	case o.Rows < 0:
		return usagef("--rows: %d is not a number of rows (1 or more; 0 = as many as keep it quick)", o.Rows)
	case o.Layers < 0:
		return usagef("--layers: %d is not a number of layers (1 or more; 0 = model.layers)", o.Layers)
	}
	return nil
}

func (o *maskCheckOptions) run(ctx context.Context, stdout, stderr io.Writer) error {
	if err := o.check(); err != nil {
		return err
	}
	c, err := o.load()
	if err != nil {
		return err
	}
	r, err := maskcheck.Check(ctx, c, tasks.All(), o.Options)
	if err != nil {
		return err
	}
	if o.json {
		err = json.NewEncoder(stdout).Encode(r)
	} else {
		warnAll(stderr, r.Warnings)
		err = printMaskCheck(stdout, r)
	}
	if err != nil {
		return err
	}
	return leaking(r)
}

// leaking is the error of a check that found leaks.
func leaking(r *maskcheck.Report) error {
	leaking, first := 0, (*mask.Leak)(nil)
	for i := range r.Plans {
		if l := r.Plans[i].Leak(); l != nil {
			if leaking++; first == nil {
				first = l
			}
		}
	}
	if first == nil {
		return nil
	}
	return fmt.Errorf("%d of %d plans leak: %w", leaking, len(r.Plans), first)
}

func printMaskCheck(out io.Writer, r *maskcheck.Report) error {
	fmt.Fprintf(out, "structure %s, form %s, control %s; rows of %d tokens\n\n", r.Structure, r.Form, r.Control,
		r.SeqLen)
	var lines strings.Builder
	w := tabwriter.NewWriter(&lines, 0, 0, 2, ' ', 0)
	fmt.Fprint(w, "step\topenness\trows\tstatic\thidden\tcertificate\tclosure\tprobe")
	if r.Cross != "" {
		fmt.Fprint(w, "\tsource")
	}
	fmt.Fprintln(w)
	for _, p := range r.Plans {
		fmt.Fprintf(w, "%d\t%.2f\t%d-%d\t%d\t%d\t%s\t%s\t%s", p.Step, p.Openness, p.FirstRow, p.FirstRow+p.Rows-1,
			p.Anchors, p.Hidden,
			word(p.Certificate), word(p.Closure), word(p.Probe))
		if p.Source != nil {
			fmt.Fprintf(w, "\t%s", word(*p.Source))
		}
		fmt.Fprintln(w)
	}
	w.Flush()
	head, rest, _ := strings.Cut(lines.String(), "\n")
	fmt.Fprintln(out, head)
	printed := printedLeaks{}
	for i, line := range strings.Split(strings.TrimRight(rest, "\n"), "\n") {
		fmt.Fprintln(out, line)
		for _, text := range printed.counterExamples(&r.Plans[i]) {
			fmt.Fprintln(out, "      "+text)
		}
	}
	fmt.Fprintln(out)
	_, err := io.WriteString(out, summary(r))
	return err
}

func word(v maskcheck.Verdict) string {
	if v.Sound {
		return "sound"
	}
	return "LEAK"
}

// printedLeaks are the leaks printed so far; one that several plans share is printed once.
type printedLeaks map[string]bool

// counterExamples describes the first leak that each method found, once if they agree.
func (printed printedLeaks) counterExamples(p *maskcheck.PlanCheck) []string {
	var texts []string
	var by [][]string
	verdicts := []maskcheck.Verdict{p.Certificate, p.Closure, p.Probe}
	if p.Source != nil {
		verdicts = append(verdicts, *p.Source)
	}
	for _, v := range verdicts {
		if v.First == nil {
			continue
		}
		if key := fmt.Sprint(v.First.By, v.First.Position, v.First.Answer, v.First.Path); printed[key] {
			continue
		} else {
			printed[key] = true
		}
		text := v.First.Error()
		if n := len(texts); n > 0 && texts[n-1] == text {
			by[n-1] = append(by[n-1], v.First.By)
			continue
		}
		texts, by = append(texts, text), append(by, []string{v.First.By})
	}
	for i := range texts {
		texts[i] = strings.Join(by[i], ", ") + ": " + texts[i]
	}
	return texts
}

// summary says in words what was checked and found.
func summary(r *maskcheck.Report) string {
	first, tokens, most, probed := r.Plans[0], 0, 0, 0
	for _, p := range r.Plans {
		tokens += p.Rows * r.SeqLen
		probed += p.Probed
		most = max(most, p.Probed)
	}
	text := fmt.Sprintf("%d plans of %d rows, %d tokens in all: ", len(r.Plans), first.Rows, tokens)
	if r.Sound {
		text += "no position can learn the token it must predict.\n"
	} else {
		text += "some positions can learn the token they must predict. Such a mask is not trained on.\n"
	}
	text += fmt.Sprintf("Certificate for any depth, closure through %d layers. Probe on %s: %d layers, %d heads,\n",
		r.Layers, r.Model.Device,
		r.Model.Layers, r.Model.Heads)
	text += fmt.Sprintf("width %d, random weights; ", r.Model.Dim)
	if most == r.SeqLen {
		return text + "every token of every plan was changed.\n"
	}
	return text + fmt.Sprintf("%d of each row's %d tokens were changed, %d in all.\n", most, r.SeqLen, probed)
}
