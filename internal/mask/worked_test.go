package mask

import (
	"math"
	"slices"
	"testing"

	"dmtrain/internal/batch"
)

// The worked example of the specification: T = 6, hidden {2, 4}, windows 1 and 2.
func workedPlan(t *testing.T) (*Plan, *batch.Batch) {
	t.Helper()
	rows := oneDocument(6)
	p, err := NewPlanner(infillConfig(), 1, Run{SeqLen: 6, Vocab: 100})
	if err != nil {
		t.Fatal(err)
	}
	var plan Plan
	p.PlanSlots(&plan, rows, []int32{-1, -1, 1, -1, 2, -1})
	return &plan, rows
}

func TestWorkedExampleVectors(t *testing.T) {
	plan, _ := workedPlan(t)
	for _, c := range []struct {
		name      string
		got, want []int32
	}{
		{"pos", plan.Mask.Pos, []int32{0, 1, Inf, 3, Inf, 5}},
		{"lo", plan.Mask.Lo, []int32{0, 0, 0, 0, 0, 0}},
		{"hi", plan.Mask.Hi, []int32{0, 1, 3, 3, 5, 5}},
		{"targets", plan.Targets, []int32{101, 102, 102, 104, 104, -1}},
		{"answer", plan.Answer, []int32{1, 2, 2, 4, 4, -1}},
	} {
		if !slices.Equal(c.got, c.want) {
			t.Errorf("%s = %v, want %v", c.name, c.got, c.want)
		}
	}
}

func TestWorkedExampleVisibleAndReach(t *testing.T) {
	plan, _ := workedPlan(t)
	want := [][]int{{0}, {0, 1}, {0, 1, 3}, {0, 1, 3}, {0, 1, 3, 5}, {0, 1, 3, 5}}
	for i := range want {
		var visible []int
		for j := range 6 {
			if plan.Mask.Visible(0, i, j) {
				visible = append(visible, j)
			}
		}
		if !slices.Equal(visible, want[i]) {
			t.Errorf("%d sees %v, want %v", i, visible, want[i])
		}
	}
	for layers := 1; layers <= 6; layers++ {
		for i, set := range plan.Mask.Reach(0, layers) {
			var content []int
			for j := range 6 {
				if set.Has(j) && plan.Hidden[j] == 0 {
					content = append(content, j)
				}
			}
			if !slices.Equal(content, want[i]) {
				t.Errorf("%d layers: content %v reaches %d, want %v", layers, content, i, want[i])
			}
		}
	}
	if err := plan.Certify(); err != nil {
		t.Error(err)
	}
}

func TestWorkedExampleController(t *testing.T) {
	cfg := infillConfig()
	cfg.Form, cfg.Control = FormInput, ControlAdaptive
	cfg.Beta, cfg.Low, cfg.High, cfg.OpenRate, cfg.CloseRate, cfg.Deadband = .5, .1, .5, .25, .5, 0
	cfg.MaxWindow, cfg.MinTokens, cfg.ProbRange = 4, 1, [2]float64{.15, .30}
	run := Run{SeqLen: 6, Vocab: 100, Entropy: 2}
	c, err := NewController(cfg, run)
	if err != nil {
		t.Fatal(err)
	}
	c.cfg.Warmup = 0 // in a configuration 0 asks for the default
	p, err := NewPlanner(cfg, 1, run)
	if err != nil {
		t.Fatal(err)
	}
	s := c.NewStats()
	for step, row := range []struct {
		ce, reliability, goal, u float64
		w                        int
		p                        float64
	}{
		{2.0, 0, 0, 0, 0, .300000},
		{1.6, .133333, .083333, .083333, 0, .287500},
		{1.2, .285714, .464286, .333333, 1, .250000},
		{0.8, .453333, .883333, .583333, 2, .212500},
		{1.8, .270968, .427419, .427419, 2, .235887},
	} {
		s.Begin(step)
		s.anchors[0] = tally{tokens: 10, nll: 10 * row.ce}
		c.Observe(s)
		b := c.At(step + 1).Buckets
		for _, v := range []struct {
			name      string
			got, want float64
		}{
			{"R", b[0].Reliability(cfg.Beta), row.reliability},
			{"g", c.goal(&b[0], step), row.goal},
			{"u", b[0].Openness, row.u},
			{"W", float64(p.cfg.maxWindow(b[0].Openness)), float64(row.w)},
			{"p", formOf(FormInput).rate(&p.cfg, b[0].Openness), row.p},
		} {
			if math.Abs(v.got-v.want) > 5e-7 {
				t.Errorf("step %d: %s = %v, want %v", step, v.name, v.got, v.want)
			}
		}
	}
}

func infillConfig() Config {
	c := DefaultConfig()
	c.Form = FormInfill
	return c
}

// oneDocument is a row of t tokens 100, 101, …, all of one document that ends with the row.
func oneDocument(t int) *batch.Batch {
	rows := batch.New(1, t)
	for i := range t {
		rows.IDs[i], rows.Next[i], rows.End[i] = int32(100+i), int32(101+i), int32(t)
	}
	rows.Next[t-1] = -1
	return rows
}
