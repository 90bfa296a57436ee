package train

import (
	"context"
	"errors"
	"fmt"

	"dmtrain/internal/backend"
	"dmtrain/internal/bench"
	"dmtrain/internal/config"
	"dmtrain/internal/recipe"
	"dmtrain/internal/task"
)

// AttentionOptions say what to time: every length under every mask.
type AttentionOptions struct {
	Device, Precision   string
	Masks               []string // as bench.ParseForm reads them
	Lengths             []int
	Batch, Heads, Width int
	Calls               int
}

// AttentionBench is what `dmtrain bench --attention` prints.
type AttentionBench struct {
	Device      string                   `json:"device"`
	Threads     int                      `json:"threads"`
	Precision   string                   `json:"precision"`
	MatMulPeak  float64                  `json:"matmul_peak_gflops"`
	MatMulPeakN int                      `json:"matmul_peak_n"`
	Attention   []*bench.AttentionReport `json:"attention"`
}

// Upper bounds of the options: larger ones would take forever or overflow.
const (
	maxAttentionLength = 1 << 24
	maxAttentionRows   = 1 << 16
	maxAttentionWidth  = 1 << 12
)

// forms validates the options and parses the masks.
func (o *AttentionOptions) forms() (forms []bench.Form, err error) {
	within := func(option string, n, most int) {
		if n < 1 || n > most {
			err = &task.OptionError{Option: option, Problem: fmt.Sprintf("%d is not within 1 … %d", n, most)}
		}
	}
	within("batch", o.Batch, maxAttentionRows)
	within("heads", o.Heads, maxAttentionWidth)
	within("head-dim", o.Width, maxAttentionWidth)
	for _, n := range o.Lengths {
		within("lengths", n, maxAttentionLength)
	}
	for _, text := range o.Masks {
		f, bad := bench.ParseForm(text)
		if bad != nil {
			err = &task.OptionError{Option: "masks", Problem: bad.Error()}
		}
		forms = append(forms, f)
	}
	switch {
	case len(o.Lengths) == 0 || len(o.Masks) == 0:
		err = &task.OptionError{Option: "lengths", Problem: "there must be one, and a mask"}
	case o.Precision != config.FP32 && o.Precision != config.BF16:
		err = &task.OptionError{Option: "precision", Problem: fmt.Sprintf("%q is neither fp32 nor bf16", o.Precision)}
	}
	return forms, err
}

// BenchAttention times attention alone, beside the fastest matrix product of the same run.
func BenchAttention(ctx context.Context, o AttentionOptions) (_ *AttentionBench, err error) {
	forms, err := o.forms()
	if err != nil {
		return nil, err
	}
	be, err := backend.Open(o.Device)
	if err != nil {
		return nil, &task.OptionError{Option: "device", Problem: err.Error()}
	}
	defer func() { err = errors.Join(err, be.Close()) }()
	info := be.Info()
	if o.Precision == config.BF16 && !info.BFloat16 {
		return nil, &task.OptionError{Option: "precision", Problem: "bf16 needs a CUDA device; on the CPU it is fp32"}
	}
	r := &AttentionBench{Device: info.Device(), Threads: info.Threads, Precision: o.Precision}
	t := recipe.Precision(config.Config{Precision: o.Precision})
	peak, err := bench.MatMulPeak(ctx, be, t)
	if err != nil {
		return nil, err
	}
	r.MatMulPeak, r.MatMulPeakN = peak.GflopsPerS, peak.N
	for _, length := range o.Lengths {
		for _, f := range forms {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			one, err := bench.TimeAttention(be, bench.AttentionShape{
				B: o.Batch,
				T: length,
				H: o.Heads,
				D: o.Width,
			}, t, f, o.Calls)
			if err != nil {
				return nil, fmt.Errorf("%s, T = %d: %w", f.Name, length, err)
			}
			r.Attention = append(r.Attention, one)
		}
	}
	return r, nil
}
