package bench_test

import (
	"strings"
	"testing"

	"dmtrain/internal/bench"
	"dmtrain/internal/kernels"
	"dmtrain/internal/tensor"
)

func timed(t *testing.T, be kernels.Backend, length int, form string) *bench.AttentionReport {
	t.Helper()
	f, err := bench.ParseForm(form)
	if err != nil {
		t.Fatal(err)
	}
	r, err := bench.TimeAttention(be, bench.AttentionShape{B: 1, T: length, H: 2, D: 16}, tensor.Float32, f, 1)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// What a mask of 256 tokens lets be seen can be told without it.
func TestAttentionForms(t *testing.T) {
	be := openCPU(t)
	const n = 256
	pairs := func(r *bench.AttentionReport) int { return int(r.Visible*n*n + 0.5) }
	for form, want := range map[string]struct{ pairs, tiles int }{
		"full":      {n * n, 16},
		"causal":    {n * (n + 1) / 2, 10},
		"window:1":  {n, 4},
		"window:64": {64*65/2 + (n-64)*64, 7},
		"packed:1":  {0, 4}, // documents of one or two tokens; counted below
	} {
		r := timed(t, be, n, form)
		if form == "packed:1" {
			want.pairs = pairs(r)
			if want.pairs < n || want.pairs > 3*n/2 {
				t.Errorf("%s: %d pairs", form, want.pairs)
			}
		}
		if pairs(r) != want.pairs || r.TilesComputed != want.tiles || r.TilesTotal != 16 {
			t.Errorf("%s: %d pairs in %d of %d tiles, want %+v", form, pairs(r), r.TilesComputed, r.TilesTotal, want)
		}
		if !(r.ForwardMsMin > 0 && r.BackwardMsMin > 0 && r.ForwardGflopsPerS > 0 && r.BackwardGflopsPerS > 0) {
			t.Errorf("%s: %+v", form, r)
		}
	}
	slots, causal := timed(t, be, n, "infill:0.5"), timed(t, be, n, "causal")
	if slots.Visible == causal.Visible || slots.TilesComputed <= causal.TilesComputed {
		t.Errorf("slots that look ahead change nothing: %+v", slots)
	}
	if both := timed(t, be, n, "window:64+infill:0.5"); both.TilesComputed >= slots.TilesComputed {
		t.Errorf("a window hides no tiles from slots: %+v", both)
	}
}

// What attention holds is linear in T.
func TestAttentionMemoryIsLinear(t *testing.T) {
	be := openCPU(t)
	timed(t, be, 1024, "causal") // scratch is made once
	short, long := timed(t, be, 1024, "causal").MemoryBytes, timed(t, be, 4096, "causal").MemoryBytes
	const slack = 256 << 10 // other things on the heap
	if long > 4*short+slack {
		t.Errorf("%d bytes at T = 1024, %d at T = 4096", short, long)
	}
	operands := int64(4096 * (8*2*16 + 2*2 + 3) * 4)
	if long < operands || long > operands+operands/4+slack {
		t.Errorf("%d bytes, but the operands have %d", long, operands)
	}
}

func TestBadForms(t *testing.T) {
	for form, want := range map[string]string{
		"":                "no mask",
		"diagonal":        "no mask",
		"causal:3":        "takes no number",
		"window":          "number of tokens",
		"window:0":        "number of tokens",
		"window:x":        "number of tokens",
		"packed:-1":       "number of tokens",
		"infill":          "rate of slots",
		"infill:0":        "rate of slots",
		"infill:NaN":      "rate of slots",
		"infill:1.1":      "rate of slots",
		"window:9+":       "no mask",
		"packed:99999999": "number of tokens",
	} {
		if _, err := bench.ParseForm(form); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", form, err, want)
		}
	}
}
