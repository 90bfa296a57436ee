package main

import (
	"context"
	"encoding/json"
	"io"

	"github.com/spf13/cobra"

	"dmtrain/internal/train"
)

type benchOptions struct {
	sources
	steps int
	json  bool
}

// maxBenchSteps is what rng can number and more than anyone waits for.
const maxBenchSteps = 1 << 30

func benchCommand() *cobra.Command {
	o := benchOptions{sources: sources{textless: true}}
	cmd := &cobra.Command{
		Use:   "bench --config FILE",
		Short: "Time whole training steps on random tokens",
		Long: `bench takes training steps of a configuration's model on random tokens, after a few to
warm up, and prints how long they took. It reads no text and writes no files; where the
tokenizer would get its vocabulary from a text, set bench.vocab.`,
		Example: `  dmtrain bench --config configs/bench/gpt-0.8m.yaml
  dmtrain bench --config configs/bench/gpt-10m.yaml --steps 50 --device cpu --json
  dmtrain bench --config my.yaml --set bench.vocab=96 --set train.batch_size=4`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context(), cmd.OutOrStdout()) },
	}
	o.addFlags(cmd)
	cmd.Flags().IntVar(&o.steps, "steps", 20, "how many `steps` to time")
	cmd.Flags().BoolVar(&o.json, "json", false, "print one JSON object")
	return cmd
}

func (o *benchOptions) run(ctx context.Context, stdout io.Writer) error {
	if o.steps < 1 || o.steps > maxBenchSteps {
		return usagef("--steps: %d is not a number of steps to time (1 to %d)", o.steps, maxBenchSteps)
	}
	c, err := o.load()
	if err != nil {
		return err
	}
	r, err := train.Bench(ctx, c, o.steps)
	if err != nil {
		return err
	}
	if o.json {
		return json.NewEncoder(stdout).Encode(r)
	}
	t := table{}
	t.add("device", "%s, %d threads", r.Device, r.Threads)
	t.add("parameters", "%d", r.Params)
	t.add("step", "%.2f ms median, %.2f ms min, of %d", r.StepMsMedian, r.StepMsMin, o.steps)
	t.add("speed", "%.0f tokens/s, %d tokens a step", r.TokensPerS, r.TokensPerStep)
	t.add("arithmetic", "%.1f GFLOP/s of the model's own", r.GflopsPerS)
	t.add("memory", "%.0f MiB", r.MemoryMiB)
	t.add("attention", "%.1f %% visible, %d of %d tiles", 100*r.VisibleShare, r.TilesComputed, r.TilesTotal)
	t.add("masks", "%.2f %% of the time, %.2f %% for certificates", 100*r.PlanShare, 100*r.CertifiedShare)
	return t.print(stdout)
}
