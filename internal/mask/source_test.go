package mask

import (
	"slices"
	"testing"
)

// Sources are hidden at one rate, but for their ends, padding and the sources of anchors.
func TestSourceRates(t *testing.T) {
	const s = 4
	lens := []int32{4, 2, 1, 0}
	for _, c := range []struct {
		form string
		want []float32
	}{
		{FormNone, []float32{.25, .25, .25, 0, .25, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}},
		{FormInput, []float32{0, 0, 0, 0, .25, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}}, // row 0 is an anchor
	} {
		cfg := DefaultConfig()
		cfg.Form, cfg.SourceProb = c.form, 0.25
		p, err := NewPlanner(cfg, 1, Run{SeqLen: 6, Vocab: 9, Steps: 1})
		if err != nil {
			t.Fatal(err)
		}
		rows := NewRows(4, 6)
		for i := range rows.End {
			rows.End[i] = 6
		}
		var plan Plan
		p.Plan(&plan, rows, 0, State{Buckets: []Bucket{{Openness: 1}}})
		got := make([]float32, 4*s)
		p.SourceRates(got, &plan, lens)
		if !slices.Equal(got, c.want) {
			t.Errorf("form %s: %v, want %v", c.form, got, c.want)
		}
	}
	if SourceSeed(7) == 7 {
		t.Error("sources and targets are hidden by the same draws")
	}
}
