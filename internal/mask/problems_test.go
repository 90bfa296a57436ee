package mask

import (
	"math"
	"strings"
	"testing"
)

func TestDefaultsAreValid(t *testing.T) {
	c := DefaultConfig()
	if p := c.Problems(); len(p) > 0 {
		t.Error(p)
	}
}

func TestProblems(t *testing.T) {
	for _, c := range []struct {
		spoil func(*Config)
		want  string // "" is valid
	}{
		{func(c *Config) { c.Prob = 1.5 }, "mask.prob: 1.5 is not a probability (0 to 1)"},
		{func(c *Config) { c.Prob = math.NaN() }, "mask.prob: NaN is not a probability (0 to 1)"},
		{func(c *Config) { c.Structure = "causel" }, `mask.structure: "causel" is not one of causal, full, prefix`},
		{func(c *Config) { c.Structure = "window" },
			"mask.window: structure window needs a number of tokens here, at least 1"},
		{func(c *Config) { c.Structure, c.Window = "window", math.MaxInt },
			"is not a number of tokens (0 to 1073741824)"},
		{func(c *Config) { c.Structure, c.Window, c.Sinks = "sinks", 4, 0 }, "mask.sinks: 0 is not how many"},
		{func(c *Config) { c.Structure, c.Form = "full", "none" },
			"mask.structure: full shows every position its next token"},
		{func(c *Config) { c.Structure = "full" }, ""},
		{func(c *Config) { c.Structure, c.Window = "lookahead", 2 }, ""},
		{func(c *Config) { c.Form = "block" }, `mask.form: "block" is not one of none, input, infill`},
		{func(c *Config) { c.Fill = "one" }, `mask.fill: "one" is not one of zero, learned`},
		{func(c *Config) { c.WaitMore = -1 }, "mask.wait_more: -1 is not a number of tokens"},
		{func(c *Config) { c.MaxWindow = -1 }, "mask.max_window: -1 is not a number of tokens"},
		{func(c *Config) { c.EdgeDrop = 1 }, "mask.edge_drop: 1 is not a rate from 0 to below 1"},
		{func(c *Config) { c.Form, c.Control = "none", "adaptive" },
			"mask.control: adaptive has nothing to move under form none"},
		{func(c *Config) { c.Control = "adaptive" }, ""},
		{func(c *Config) { c.Control, c.Anchors = "adaptive", 0 },
			"mask.anchors: control adaptive measures reliability on anchor rows"},
		{func(c *Config) { c.Control, c.Anchors = "inverse", 0 }, "mask.anchors: control inverse measures"},
		{func(c *Config) { c.Control, c.Anchors = "linear", 0 }, ""},
		{func(c *Config) { c.Anchors = 0 }, ""},
		{func(c *Config) { c.Anchors = 1 }, "mask.anchors: 1 keeps every row under the static mask"},
		{func(c *Config) { c.Anchors = -4 }, "mask.anchors: -4 is negative"},
		{func(c *Config) { c.Control = "yoked" }, "mask.yoked_to: control yoked needs the run directory"},
		{func(c *Config) { c.Control = "two_pass" }, "mask.reliability: skill knows the targets"},
		{func(c *Config) { c.Control, c.Reliability = "two_pass", "margin" }, ""},
		{func(c *Config) { c.Control, c.Reliability, c.Form = "two_pass", "margin", "input" },
			"mask.form: control two_pass sets the windows of slots"},
		{func(c *Config) { c.Reliability = "trust" }, `mask.reliability: "trust" is not one of skill, target_prob`},
		{func(c *Config) { c.Openness = -0.1 }, "mask.openness: -0.1 is not an openness (0 to 1)"},
		{func(c *Config) { c.Schedule.To = 2 }, "mask.schedule.to: 2 is not an openness (0 to 1)"},
		{func(c *Config) { c.Schedule.Steps = -1 }, "mask.schedule.steps: -1 is too small"},
		{func(c *Config) { c.Buckets = 0 }, "mask.buckets: 0 is not a number of ranges of positions (1 to 4096)"},
		{func(c *Config) { c.Low, c.High = 0.5, 0.5 }, "mask.low: 0.5 must be below mask.high (0.5)"},
		{func(c *Config) { c.Beta = 1 }, "mask.beta: 1 is not a decay from 0 to below 1"},
		{func(c *Config) { c.OpenRate = math.Inf(1) }, "mask.open_rate: +Inf is not a change of openness (0 to 1)"},
		{func(c *Config) { c.MinTokens = 0 }, "mask.min_tokens: 0 is too small, the least is 1"},
		{func(c *Config) { c.Warmup = -1 }, "mask.warmup: -1 is too small, the least is 0"},
		{func(c *Config) { c.ProbRange = [2]float64{0.3, 0.15} }, "mask.prob_range: 0.3 … 0.15 must ascend"},
		{func(c *Config) { c.ProbRange = [2]float64{0, 3} }, "mask.prob_range: 3 is not a probability (0 to 1)"},
	} {
		cfg := infillConfig()
		c.spoil(&cfg)
		problems := cfg.Problems()
		if c.want == "" {
			if len(problems) > 0 {
				t.Errorf("valid, but: %v", problems)
			}
			continue
		}
		if len(problems) != 1 || !strings.Contains(problems[0], c.want) {
			t.Errorf("got %q, want one problem: %q", problems, c.want)
		}
	}
}

func TestProblemsComeAllAtOnce(t *testing.T) {
	cfg := infillConfig()
	cfg.Prob, cfg.Beta, cfg.Structure = 2, 2, "x"
	if p := cfg.Problems(); len(p) != 3 {
		t.Errorf("%d problems of 3: %v", len(p), p)
	}
	if _, err := NewPlanner(cfg, 1, testRun); err == nil || strings.Count(err.Error(), "mask.") != 3 {
		t.Errorf("the planner says %v", err)
	}
}

func TestSkillNeedsEntropy(t *testing.T) {
	run := testRun
	run.Entropy = 0
	if _, err := NewController(adaptiveConfig(), run); err == nil {
		t.Error("skill is measured against an entropy of 0")
	}
}
