package mask

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func adaptiveConfig() Config {
	c := infillConfig()
	c.Control, c.Warmup, c.MinTokens = ControlAdaptive, 1, 1
	return c
}

var testRun = Run{
	SeqLen:  32,
	Steps:   100,
	Warmup:  10,
	Vocab:   genVocab,
	Entropy: 2,
}

func newController(t fataler, c Config, run Run) *Controller {
	t.Helper()
	ctl, err := NewController(c, run)
	if err != nil {
		t.Fatal(err)
	}
	return ctl
}

// observe shows the controller a step of n anchor tokens with mean cross-entropy ce in every bucket.
func observe(c *Controller, step, n int, ce float64) {
	s := c.NewStats()
	s.Begin(step)
	for i := range s.anchors {
		s.anchors[i] = tally{tokens: n, nll: float64(n) * ce}
	}
	c.Observe(s)
}

func mustPanic(t *testing.T, want string, f func()) {
	t.Helper()
	defer func() {
		t.Helper()
		if got := recover(); got != want {
			t.Errorf("panics with %v, want %q", got, want)
		}
	}()
	f()
}

// A mask from its own batch's losses is impossible: once a step is observed, nothing can be planned for it.
func TestAStepCannotBePlannedAfterItWasObserved(t *testing.T) {
	c := newController(t, adaptiveConfig(), testRun)
	p, err := NewPlanner(adaptiveConfig(), 1, testRun)
	if err != nil {
		t.Fatal(err)
	}
	var plan Plan
	rows := oneDocument(32)
	p.Plan(&plan, rows, 4, c.At(4))
	observe(c, 4, 10, 1)
	mustPanic(t, "mask: a plan for a step already observed", func() { c.At(4) })
	mustPanic(t, "mask: a plan from a state that has already observed its step",
		func() { p.Plan(&plan, rows, 4, c.At(5)) })
	mustPanic(t, "mask: a step observed twice", func() { observe(c, 4, 10, 1) })
	p.Plan(&plan, rows, 5, c.At(5))

	s := c.NewStats()
	s.Begin(6)
	mustPanic(t, "mask: statistics of another step", func() { s.Add(&plan, rows, Outputs{NLL: make([]float32, 32)}) })
	var eval Plan
	p.PlanInfill(&eval, rows, 0, 0.15)
	s.Begin(eval.Step)
	s.Add(&eval, rows, Outputs{NLL: make([]float32, 32)})
}

func TestOpennessIsBoundedInPlaceAndPace(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg := adaptiveConfig()
		cfg.Control = rapid.SampledFrom([]string{ControlAdaptive, ControlInverse}).Draw(t, "control")
		cfg.Reliability = rapid.SampledFrom([]string{ReliabilitySkill, ReliabilityTargetProb}).Draw(t, "reliability")
		cfg.OpenRate = rapid.Float64Range(0, 1).Draw(t, "open_rate")
		cfg.CloseRate = rapid.Float64Range(0, 1).Draw(t, "close_rate")
		cfg.Beta = rapid.Float64Range(0, 0.999).Draw(t, "beta")
		c := newController(t, cfg, testRun)
		before := 0.0
		for step := range 30 {
			observe(c, step, 10, rapid.Float64Range(0, 5).Draw(t, "ce"))
			b := c.At(step + 1).Buckets[0]
			d := b.Openness - before
			if b.Openness < 0 || b.Openness > 1 || d > cfg.OpenRate+1e-15 || d < -cfg.CloseRate-1e-15 {
				t.Fatalf("step %d: openness %v after %v", step, b.Openness, before)
			}
			if r := b.Reliability(cfg.Beta); r < -1e-12 || r > 1+1e-12 {
				t.Fatalf("step %d: reliability %v", step, r)
			}
			before = b.Openness
		}
	})
}

func TestReliableOpensAndUnreliableCloses(t *testing.T) {
	for _, c := range []struct {
		control string
		ce      float64
		from    float64
		want    float64
	}{
		{ControlAdaptive, 0.1, 0, 1}, {ControlAdaptive, 1.9, 1, 0},
		{ControlInverse, 0.1, 1, 0}, {ControlInverse, 1.9, 0, 1},
	} {
		cfg := adaptiveConfig()
		cfg.Control = c.control
		ctl := newController(t, cfg, testRun)
		ctl.state.Buckets[0].Openness = c.from
		for step := range 300 {
			observe(ctl, step, 10, c.ce)
		}
		if u := ctl.At(300).Buckets[0].Openness; math.Abs(u-c.want) > cfg.Deadband {
			t.Errorf("%s at cross-entropy %v: openness went from %v to %v, want %v", c.control, c.ce, c.from, u, c.want)
		}
	}
}

func TestDeadbandIgnoresTrembling(t *testing.T) {
	cfg := adaptiveConfig()
	cfg.Beta, cfg.Deadband = 0, 0.1
	ctl := newController(t, cfg, testRun)
	ctl.state.Buckets[0].Openness = 0.5
	for step, ce := range []float64{1.4, 1.37, 1.43, 1.4} { // r = .3 ± .015, g = .5 ± .04
		observe(ctl, step+1, 10, ce)
	}
	if u := ctl.At(9).Buckets[0].Openness; u != 0.5 {
		t.Errorf("openness moved to %v within the deadband", u)
	}
	observe(ctl, 9, 10, 1.2) // r = .4, g = .75
	if u := ctl.At(10).Buckets[0].Openness; u != 0.5+cfg.OpenRate {
		t.Errorf("openness %v beyond the deadband, want one step up", u)
	}
}

func TestSnapshotsStandStill(t *testing.T) {
	ctl := newController(t, adaptiveConfig(), testRun)
	before := ctl.Snapshot()
	observe(ctl, 5, 10, 0.1)
	if before.Buckets[0] != (Bucket{}) {
		t.Errorf("a snapshot moved with its controller: %+v", before)
	}
	if err := ctl.Restore(before); err != nil {
		t.Fatal(err)
	}
	observe(ctl, 5, 10, 0.1)
	if before.Buckets[0] != (Bucket{}) {
		t.Errorf("a restored state moved with its controller: %+v", before)
	}
}

func TestWarmupKeepsTheStaticMask(t *testing.T) {
	cfg := adaptiveConfig()
	cfg.Warmup = 0
	for _, c := range []struct{ configured, lr, want int }{{0, 10, 100}, {0, 300, 300}, {7, 300, 7}} {
		cfg.Warmup = c.configured
		run := testRun
		run.Warmup = c.lr
		ctl := newController(t, cfg, run)
		opened := -1
		for step := 0; opened < 0 && step < 1000; step++ {
			observe(ctl, step, 10, 0.1)
			if ctl.At(step + 1).Buckets[0].Openness > 0 {
				opened = step
			}
		}
		if opened != c.want {
			t.Errorf("warmup %d, learning-rate warm-up %d: opens at step %d, want %d", c.configured, c.lr, opened,
				c.want)
		}
	}
}

func TestSkippedUpdates(t *testing.T) {
	cfg := adaptiveConfig()
	cfg.MinTokens = 10
	ctl := newController(t, cfg, testRun)
	observe(ctl, 0, 9, 0.1)
	observe(ctl, 1, 10, math.NaN())
	observe(ctl, 2, 10, math.Inf(1))
	observe(ctl, 3, 10, 0.1)
	if s := ctl.Snapshot(); s.Skipped != 3 || s.Buckets[0].Count != 1 || s.Next != 4 {
		t.Errorf("%+v: want 3 skipped, 1 counted, next step 4", s)
	}
}

func TestScheduledControls(t *testing.T) {
	yoke := new(Yoke)
	if yoke.Append(10, []float64{0.25}) != nil || yoke.Append(20, []float64{0.75}) != nil {
		t.Fatal("steps in order are refused")
	}
	for _, c := range []struct {
		control string
		want    map[int]float64
	}{
		{ControlFixed, map[int]float64{0: 0.4, 99: 0.4}},
		{ControlLinear, map[int]float64{0: 0.2, 50: 0.5, 100: 0.8, 1000: 0.8}},
		{ControlYoked, map[int]float64{0: 0, 9: 0, 10: 0.25, 19: 0.25, 20: 0.75, 500: 0.75}},
		{ControlTwoPass, map[int]float64{0: 0, 99: 0}},
	} {
		cfg := infillConfig()
		cfg.Control, cfg.Openness, cfg.Schedule = c.control, 0.4, Schedule{From: 0.2, To: 0.8}
		cfg.YokedTo, cfg.Reliability = "runs/other", ReliabilityConfidence
		run := testRun
		run.Yoke = yoke
		ctl := newController(t, cfg, run)
		for step, want := range c.want {
			if got := ctl.At(step).Buckets[0].Openness; math.Abs(got-want) > 1e-15 {
				t.Errorf("%s, step %d: openness %v, want %v", c.control, step, got, want)
			}
		}
	}
}

func TestYoke(t *testing.T) {
	var y Yoke
	if err := y.Append(3, []float64{0.5, 0.6}); err != nil {
		t.Fatal(err)
	}
	if y.Append(3, []float64{0.5, 0.6}) == nil {
		t.Error("a step recorded twice is taken")
	}
	cfg := infillConfig()
	cfg.Control, cfg.YokedTo = ControlYoked, "runs/other"
	run := testRun
	if _, err := NewController(cfg, run); err == nil {
		t.Error("yoked to nothing")
	}
	run.Yoke = &y
	if _, err := NewController(cfg, run); err == nil {
		t.Error("two recorded buckets drive one")
	}
	cfg.Buckets = 2
	if got := newController(t, cfg, run).At(4).Buckets[1].Openness; got != 0.6 {
		t.Errorf("bucket 1: %v, want 0.6", got)
	}
}

func TestStateSurvivesJSONExactly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg := adaptiveConfig()
		cfg.Buckets = rapid.IntRange(1, 4).Draw(t, "buckets")
		a, b := newController(t, cfg, testRun), newController(t, cfg, testRun)
		for step := range 5 {
			observe(a, step, 10, rapid.Float64Range(0, 3).Draw(t, "ce"))
		}
		data, err := json.Marshal(a.Snapshot())
		if err != nil {
			t.Fatal(err)
		}
		var s State
		if err := json.Unmarshal(data, &s); err != nil {
			t.Fatal(err)
		}
		if err := b.Restore(s); err != nil {
			t.Fatal(err)
		}
		for step := 5; step < 9; step++ {
			ce := rapid.Float64Range(0, 3).Draw(t, "ce")
			observe(a, step, 10, ce)
			observe(b, step, 10, ce)
		}
		if diff := cmp.Diff(a.Snapshot(), b.Snapshot()); diff != "" {
			t.Fatalf("after a restore (-without +with):\n%s", diff)
		}
	})
}

func TestRestoreRefusesOtherBuckets(t *testing.T) {
	if newController(t, adaptiveConfig(), testRun).Restore(State{Buckets: make([]Bucket, 3)}) == nil {
		t.Error("three buckets restored into one")
	}
}

func TestReliabilities(t *testing.T) {
	// Two tokens over four classes.
	two := tally{
		tokens:  2,
		nll:     2 * math.Log(2),
		conf:    2 * 0.625,
		entropy: 2 * 0.75 * math.Log(4),
		margin:  2 * 0.2,
		argmax:  1,
	}
	for measure, want := range map[string]float64{
		ReliabilitySkill: 0.5, ReliabilityTargetProb: 0.5, ReliabilityAccuracy: 0.5,
		ReliabilityConfidence: 0.5, ReliabilityEntropy: 0.25, ReliabilityMargin: 0.2,
	} {
		g := gauge{measure: measure, entropy: math.Log(4), vocab: 4}
		if got := g.reliability(&two); math.Abs(got-want) > 1e-15 {
			t.Errorf("%s = %v, want %v", measure, got, want)
		}
	}
	if got := (gauge{measure: ReliabilitySkill, entropy: 1}).reliability(&tally{tokens: 1, nll: 5}); got != 0 {
		t.Errorf("worse than unigrams: skill %v, want 0", got)
	}
}

// fataler is a test, or a drawn case of one.
type fataler interface {
	Helper()
	Fatal(...any)
}
