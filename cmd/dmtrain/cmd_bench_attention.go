package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"dmtrain/internal/config"
	"dmtrain/internal/task"
	"dmtrain/internal/train"
)

// attentionOptions are the flags of bench --attention.
type attentionOptions struct {
	on                  bool
	masks               []string
	lengths             []int
	batch, heads, width int
	precision           string
}

// attentionFlags are for attention alone, stepFlags for whole steps.
var (
	attentionFlags = []string{"masks", "lengths", "batch", "heads", "head-dim", "precision"}
	stepFlags      = []string{"config", "set", "profile"}
)

func (o *attentionOptions) addFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.BoolVar(&o.on, "attention", false, "time attention alone")
	f.StringSliceVar(&o.masks, "masks", []string{"causal", "window:2048", "window:1024", "window:512", "window:256",
		"window:128", "packed:512", "infill:0.15"},
		"with --attention: `masks` to see by")
	f.IntSliceVar(&o.lengths, "lengths", []int{4096}, "with --attention: tokens a row, as many `lengths` as wanted")
	f.IntVar(&o.batch, "batch", 1, "with --attention: `rows`")
	f.IntVar(&o.heads, "heads", 8, "with --attention: how many `heads`")
	f.IntVar(&o.width, "head-dim", 64, "with --attention: `width` of a head")
	f.StringVar(&o.precision, "precision", "fp32", "with --attention: fp32 or bf16")
	complete(cmd, "precision", "fp32", "bf16")
}

// fits refuses flags of the other kind of benchmark.
func (o *attentionOptions) fits(flags *pflag.FlagSet) (err error) {
	flags.Visit(func(f *pflag.Flag) {
		switch {
		case !o.on && slices.Contains(attentionFlags, f.Name):
			err = usagef("--%s is for --attention", f.Name)
		case o.on && slices.Contains(stepFlags, f.Name):
			err = usagef("--attention reads no configuration and takes no steps: leave out --%s", f.Name)
		}
	})
	return err
}

func (o *benchOptions) runAttention(ctx context.Context, stdout io.Writer) error {
	a := o.attention
	device := o.device
	if device == "" {
		device = "auto"
	}
	if !config.IsDevice(device) {
		return usagef("--device: %q is not a device (auto, cpu, cuda, cuda:N)", device)
	}
	r, err := train.BenchAttention(ctx, train.AttentionOptions{
		Device:    device,
		Precision: a.precision,
		Masks:     a.masks,
		Lengths:   a.lengths,
		Batch:     a.batch,
		Heads:     a.heads,
		Width:     a.width,
		Calls:     o.steps,
	})
	if bad := (*task.OptionError)(nil); errors.As(err, &bad) {
		return usagef("--%s: %s", bad.Option, bad.Problem)
	}
	if err != nil {
		return err
	}
	if o.json {
		return json.NewEncoder(stdout).Encode(r)
	}
	t := table{}
	t.add("device", "%s, %d threads, %s", r.Device, r.Threads, a.precision)
	t.add("peak", "%.1f GFLOP/s, a matrix product of width %d", r.MatMulPeak, r.MatMulPeakN)
	t.add("attention", "%d rows, %d heads of %d; fastest of %d calls; GFLOP/s of visible pairs", a.batch, a.heads,
		a.width, o.steps)
	if err := t.print(stdout); err != nil {
		return err
	}
	g := grid{{"T", "mask", "visible", "tiles", "of", "forward ms", "GFLOP/s", "backward ms", "GFLOP/s", "MiB"}}
	for _, m := range r.Attention {
		g = append(g, []string{cell("%d", m.T), m.Mask, cell("%.2f %%", 100*m.Visible), cell("%d", m.TilesComputed),
			cell("%d", m.TilesTotal),
			cell("%.2f", m.ForwardMsMin), cell("%.1f", m.ForwardGflopsPerS), cell("%.2f", m.BackwardMsMin),
			cell("%.1f", m.BackwardGflopsPerS),
			cell("%.1f", float64(m.MemoryBytes)/(1<<20))})
	}
	return g.print(stdout)
}
