package main

import (
	"context"
	"encoding/json"
	"io"

	"github.com/spf13/cobra"

	"dmtrain/internal/task/tasks"
	"dmtrain/internal/train"
)

type benchOptions struct {
	layers
	attention attentionOptions
	steps     int
	profile   bool
	json      bool
}

// maxBenchSteps is what rng can number and more than anyone waits for.
const maxBenchSteps = 1 << 30

func benchCommand() *cobra.Command {
	o := benchOptions{layers: layers{textless: true}}
	cmd := &cobra.Command{
		Use:   "bench --config FILE",
		Short: "Time whole training steps, or attention alone, on random tokens",
		Long: `bench takes training steps of a configuration's model on random tokens, after a few to
warm up, and prints how long they took, beside the fastest large matrix product of the
same run. It reads no text and writes no files; where the tokenizer would get its
vocabulary from a text, set bench.vocab. --profile takes some more steps, waiting for
every kernel, to say where the time goes.

With --attention it needs no configuration: it times attention alone, forward and
backward, for every length under every mask. A mask is causal, full or window:TOKENS,
and with it, joined by +, packed:TOKENS (documents of that mean length) and infill:RATE
(so many slots that look ahead). GFLOP/s count visible pairs only.`,
		Example: `  dmtrain bench --config configs/bench/gpt-0.8m.yaml --profile
  dmtrain bench --config configs/bench/gpt-10m.yaml --steps 50 --device cpu --threads 2 --json
  dmtrain bench --config my.yaml --set bench.vocab=96 --set train.batch_size=4
  dmtrain bench --attention
  dmtrain bench --attention --lengths 1024,4096 --masks causal,window:256+infill:0.15
  dmtrain bench --attention --batch 4 --heads 12 --head-dim 64 --precision bf16 --device cuda`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.steps < 1 || o.steps > maxBenchSteps {
				return usagef("--steps: %d is not a number of steps to time (1 to %d)", o.steps, maxBenchSteps)
			}
			if err := o.attention.fits(cmd.Flags()); err != nil {
				return err
			}
			if o.attention.on {
				return o.runAttention(cmd.Context(), cmd.OutOrStdout())
			}
			return o.run(cmd.Context(), cmd.OutOrStdout())
		},
	}
	o.addFlags(cmd)
	cmd.Flags().IntVar(&o.steps, "steps", 20, "how many `steps` (with --attention, calls) to time")
	cmd.Flags().BoolVar(&o.profile, "profile", false, "also say where a step's time goes")
	cmd.Flags().BoolVar(&o.json, "json", false, "print one JSON object")
	o.attention.addFlags(cmd)
	return cmd
}

func (o *benchOptions) run(ctx context.Context, stdout io.Writer) error {
	c, err := o.load()
	if err != nil {
		return err
	}
	r, err := train.Bench(ctx, c, tasks.All().Must(c), train.BenchOptions{Steps: o.steps, Profile: o.profile})
	if err != nil {
		return err
	}
	if o.json {
		return json.NewEncoder(stdout).Encode(r)
	}
	return o.print(stdout, r)
}

func (o *benchOptions) print(stdout io.Writer, r *train.BenchReport) error {
	t := table{}
	t.add("device", "%s, %d threads", r.Device, r.Threads)
	if r.NoGPU != "" {
		t.add("gpu", "%s", r.NoGPU)
	}
	t.add("parameters", "%d", r.Params)
	t.add("step", "%.2f ms median, %.2f ms min, of %d", r.StepMsMedian, r.StepMsMin, o.steps)
	t.add("speed", "%.0f tokens/s, %d tokens a step", r.TokensPerS, r.TokensPerStep)
	t.add("arithmetic", "%.1f GFLOP/s of the model's own", r.GflopsPerS)
	t.add("peak", "%.1f %% of the %.1f GFLOP/s of a matrix product of width %d", r.PercentOfPeak, r.MatMulPeak,
		r.MatMulPeakN)
	t.add("memory", "%.0f MiB", r.MemoryMiB)
	if r.DeviceMemoryMiB > 0 {
		t.add("device memory", "%.0f MiB", r.DeviceMemoryMiB)
	}
	t.add("attention", "%.1f %% visible, %d of %d tiles", 100*r.VisibleShare, r.TilesComputed, r.TilesTotal)
	t.add("masks", "%.2f %% of the time, %.2f %% for certificates", 100*r.PlanShare, 100*r.CertifiedShare)
	if err := t.print(stdout); err != nil || len(r.Profile) == 0 {
		return err
	}
	return printProfile(stdout, r)
}

// printProfile is a line a family: its share, its time and calls a step, and its rate where arithmetic is the work.
func printProfile(stdout io.Writer, r *train.BenchReport) error {
	g := grid{{"of a step", "share", "ms", "calls", "GFLOP/s"}}
	for _, s := range r.Profile {
		rate := ""
		if s.GflopsPerS > 0 {
			rate = cell("%.1f", s.GflopsPerS)
		}
		g = append(g, []string{s.Family, cell("%.1f %%", 100*s.Share), cell("%.3f", s.MsPerStep),
			cell("%.0f", s.Calls), rate})
	}
	return g.print(stdout)
}
