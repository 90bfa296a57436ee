package main

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"dmtrain/internal/checkpoint"
	"dmtrain/internal/metrics"
)

type maskHistoryOptions struct {
	canvas
	runDir string
	png    string
	json   bool
}

func maskHistoryCommand() *cobra.Command {
	var o maskHistoryOptions
	cmd := &cobra.Command{
		Use:   "history --run DIRECTORY",
		Short: "Draw how a run's masks moved",
		Long: `history draws what a run recorded of its masks, step by step: how far they were open and the
reliability that moved them, how far slots could see, and how often tokens were hidden. The
share "hidden", here and in the progress of a run, is of all tokens: those of anchor rows,
which hide none, count too. The run may still be in training.`,
		Example: `  dmtrain mask history --run runs/adaptive
  dmtrain mask history --run runs/adaptive --png history.png
  dmtrain mask history --run runs/adaptive --width 120 --ascii
  dmtrain mask history --run runs/adaptive --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd.OutOrStdout(), cmd.ErrOrStderr()) },
	}
	o.canvas.addFlags(cmd)
	flags := cmd.Flags()
	flags.StringVar(&o.runDir, "run", "", "the `directory` of a training run")
	flags.StringVar(&o.png, "png", "", "also write the picture to this `file`, in colours")
	flags.BoolVar(&o.json, "json", false, "print one JSON object with every step's record instead")
	must(cmd.MarkFlagDirname("run"))
	must(cmd.MarkFlagFilename("png", "png"))
	return cmd
}

// maskHistory is a run's history as --json prints it.
type maskHistory struct {
	Run   string             `json:"run"`
	Steps []metrics.MaskStep `json:"steps"`
}

func (o *maskHistoryOptions) run(stdout, stderr io.Writer) error {
	if o.runDir == "" {
		return usagef("--run: name the directory of a training run")
	}
	if err := o.canvas.check(); err != nil {
		return err
	}
	run, err := checkpoint.ViewRun(o.runDir)
	if err != nil {
		return err
	}
	past, steps, err := metrics.ReadMasks(run.Path(checkpoint.MetricsFile))
	switch {
	case err != nil:
		return err
	case steps == 0:
		return fmt.Errorf("%s: no step has been recorded yet; try again when the run has taken some", o.runDir)
	case len(past) == 0:
		return fmt.Errorf("%s: this run's mask is static (mask.form none), so there is no history of it; under "+
			"form input or infill it moves, as in configs/adaptive.yaml", o.runDir)
	}
	if err := o.show(past, stdout); err != nil || o.png == "" {
		return err
	}
	picture, err := metrics.Picture(recordedSteps(past), metrics.MaskPanels(past))
	if err != nil {
		return err
	}
	return writePicture(o.png, picture, stderr)
}

func (o *maskHistoryOptions) show(past []metrics.MaskStep, stdout io.Writer) error {
	if o.json {
		return json.NewEncoder(stdout).Encode(maskHistory{o.runDir, past})
	}
	o.fit(stdout)
	last := past[len(past)-1]
	if _, err := fmt.Fprintf(stdout, "%s, steps %d to %d; last: %s\n\n", o.runDir, past[0].Step, last.Step,
		last.Record.String()); err != nil {
		return err
	}
	return metrics.Charts(stdout, recordedSteps(past), metrics.MaskPanels(past),
		metrics.ChartOptions{Width: o.width, ASCII: o.ascii})
}

func recordedSteps(past []metrics.MaskStep) []int {
	steps := make([]int, len(past))
	for i := range past {
		steps[i] = past[i].Step
	}
	return steps
}
