package train

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"dmtrain/internal/bench"
	"dmtrain/internal/config"
	"dmtrain/internal/mask"
	"dmtrain/internal/task"
	"dmtrain/internal/task/fixture"
	"dmtrain/internal/task/tasks"
)

func benchmark(t *testing.T, c config.Config, o BenchOptions) *BenchReport {
	t.Helper()
	r, err := Bench(t.Context(), c, tasks.All().Must(c), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestBenchReports(t *testing.T) {
	c := fixture.WithMask(mask.FormInfill, mask.ControlFixed)
	c.Bench.Vocab = 32
	r := benchmark(t, c, BenchOptions{Steps: 3, Profile: true})
	if r.TokensPerStep != 8*16 || r.ProfileSteps != 3 || r.DeviceMemoryMiB != 0 {
		t.Errorf("%+v", r)
	}
	if !(r.StepMsMin > 0 && r.StepMsMin <= r.StepMsMedian && r.GflopsPerS > 0 && r.MatMulPeak > 0) {
		t.Errorf("%+v", r)
	}
	if want := 100 * r.GflopsPerS / r.MatMulPeak; r.PercentOfPeak != want {
		t.Errorf("%v %% of peak, want %v", r.PercentOfPeak, want)
	}
	seen, total := map[string]bench.Share{}, 0.0
	for _, s := range r.Profile {
		seen[s.Family] = s
		total += s.Share
	}
	if math.Abs(total-1) > 1e-9 {
		t.Errorf("shares add up to %v", total)
	}
	// Two layers: attention there and back, two norms each and the last one, loss once; norm and AdamW for two
	// groups of parameters.
	for family, calls := range map[string]float64{"attention": 4, "norm": 10, "loss": 1, "optim": 3} {
		if seen[family].Calls != calls {
			t.Errorf("%s: %v calls a step, want %v", family, seen[family].Calls, calls)
		}
	}
	if seen["matmul"].GflopsPerS <= 0 || seen["attention"].GflopsPerS <= 0 || seen["between"].MsPerStep <= 0 {
		t.Errorf("%+v", r.Profile)
	}
}

func TestBenchTimesPairs(t *testing.T) {
	c := fixture.Tiny()
	c.Task, c.Bench.Vocab = "seq2seq", 32
	c.Data.Pairs.BatchTokens = 100 // three pairs of 16 and 16 tokens
	c.Data.Pairs.Buckets = 4
	for _, micro := range []int{0, 1} {
		c.Train.MicroBatch = micro
		r := benchmark(t, c, BenchOptions{Steps: 2})
		if r.TokensPerStep != 96 || r.GflopsPerS <= 0 || r.VisibleShare <= 0.5 || r.Profile != nil {
			t.Errorf("micro-batches of %d: %+v", micro, r)
		}
	}
}

// A profile changes no bit of what a step computes.
func TestProfiledStepsAreTheSame(t *testing.T) {
	be := openCPU(t, 2)
	p, err := bench.NewProfiler(be)
	if err != nil {
		t.Fatal(err)
	}
	c := fixture.WithMask(mask.FormInfill, mask.ControlAdaptive)
	plain, profiled := stepperOf(t, be, c, 16), stepperOf(t, p, c, 16)
	together(t, plain, profiled, 5, func(step int, a, b result) {
		if a != b {
			t.Fatalf("step %d: %+v, profiled %+v", step, a, b)
		}
	})
}

func TestBenchIsInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	c := fixture.Tiny()
	c.Bench.Vocab = 32
	if _, err := Bench(ctx, c, tasks.All().Must(c), BenchOptions{Steps: 1}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func attentionOptions() AttentionOptions {
	return AttentionOptions{
		Device:    "cpu",
		Precision: "fp32",
		Masks:     []string{"causal", "window:8"},
		Lengths:   []int{32, 64},
		Batch:     2,
		Heads:     2,
		Width:     8,
		Calls:     1,
	}
}

func TestBenchAttention(t *testing.T) {
	r, err := BenchAttention(t.Context(), attentionOptions())
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, a := range r.Attention {
		all = append(all, a.Mask)
	}
	if !slices.Equal(all, []string{"causal", "window:8", "causal", "window:8"}) || r.Attention[2].T != 64 {
		t.Errorf("%v", all)
	}
}

func TestBadAttentionOptions(t *testing.T) {
	for option, spoil := range map[string]func(*AttentionOptions){
		"device":    func(o *AttentionOptions) { o.Device = "abacus" },
		"precision": func(o *AttentionOptions) { o.Precision = "fp8" },
		"masks":     func(o *AttentionOptions) { o.Masks = []string{"causal", "diagonal"} },
		"lengths":   func(o *AttentionOptions) { o.Lengths = []int{16, 0} },
		"batch":     func(o *AttentionOptions) { o.Batch = -1 },
		"heads":     func(o *AttentionOptions) { o.Heads = 1 << 30 },
		"head-dim":  func(o *AttentionOptions) { o.Width = 0 },
	} {
		o := attentionOptions()
		spoil(&o)
		_, err := BenchAttention(t.Context(), o)
		var bad *task.OptionError
		if !errors.As(err, &bad) || bad.Option != option {
			t.Errorf("%s: %v", option, err)
		}
	}
	o := attentionOptions()
	o.Precision = "bf16"
	if _, err := BenchAttention(t.Context(), o); err == nil || !strings.Contains(err.Error(), "CUDA") {
		t.Errorf("bf16 on the CPU: %v", err)
	}
}
