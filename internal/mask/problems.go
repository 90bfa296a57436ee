package mask

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Limits that keep 32-bit positions from overflowing.
const (
	most       = 1 << 30
	maxBuckets = 4096
)

// The fills of hidden tokens.
const (
	FillZero    = "zero"
	FillLearned = "learned" // one trained vector, initialised to 0
)

// Problems lists everything wrong with c, each line naming its key and what would be right.
func (c *Config) Problems() []string {
	var p problems
	c.structureProblems(&p)
	c.formProblems(&p)
	c.controlProblems(&p)
	c.rangeProblems(&p)
	return p
}

func (c *Config) valid() error {
	if p := c.Problems(); len(p) > 0 {
		return errors.New(strings.Join(p, "\n"))
	}
	return nil
}

type problems []string

func (p *problems) add(key, format string, args ...any) {
	*p = append(*p, "mask."+key+": "+fmt.Sprintf(format, args...))
}

func (p *problems) oneOf(key, got string, known ...string) bool {
	if !slices.Contains(known, got) {
		p.add(key, "%q is not one of %s", got, strings.Join(known, ", "))
		return false
	}
	return true
}

// probability also refuses NaN.
func (p *problems) probability(key string, v float64) {
	if !(v >= 0 && v <= 1) {
		p.add(key, "%v is not a probability (0 to 1)", v)
	}
}

func (p *problems) between(key string, v, low, high float64, what string) {
	if !(v >= low && v <= high) {
		p.add(key, "%v is not %s (%v to %v)", v, what, low, high)
	}
}

func (p *problems) atLeast(key string, v, low int) {
	if v < low {
		p.add(key, "%d is too small, the least is %d", v, low)
	}
}

func (c *Config) structureProblems(p *problems) {
	known := p.oneOf("structure", c.Structure, StructureCausal, StructureFull, StructurePrefix, StructureWindow,
		StructureBlocks, StructureSinks, StructureLookahead)
	switch {
	case c.Window < 0 || c.Window > most:
		p.add("window", "%d is not a number of tokens (0 to %d)", c.Window, most)
	case known && c.Window == 0 && c.Structure != StructureCausal && c.Structure != StructureFull:
		p.add("window", "structure %s needs a number of tokens here, at least 1", c.Structure)
	}
	if c.Structure == StructureSinks && (c.Sinks < 1 || c.Sinks > most) {
		p.add("sinks", "%d is not how many of a document's first tokens stay visible (at least 1; without sinks, "+
			"use structure window)", c.Sinks)
	}
	if c.Structure == StructureFull && c.Form == FormNone {
		p.add("structure", "full shows every position its next token, so none could bear a loss; use it with form "+
			"input or infill")
	}
}

func (c *Config) formProblems(p *problems) {
	p.oneOf("cross", c.Cross, CrossFull, CrossWaitK)
	p.atLeast("wait_k", c.WaitK, 1)
	if c.WaitMore < 0 || c.WaitMore > most {
		p.add("wait_more", "%d is not a number of tokens (0 to %d; 0 = data.seq_len)", c.WaitMore, most)
	}
	if !(c.SourceProb >= 0 && c.SourceProb < 1) {
		p.add("source_prob", "%v is not a rate from 0 to below 1", c.SourceProb)
	}
	p.oneOf("form", c.Form, namesOf(forms(), func(f form) string { return f.name })...)
	p.oneOf("fill", c.Fill, FillZero, FillLearned)
	p.probability("prob", c.Prob)
	if c.MaxWindow < 0 || c.MaxWindow > most {
		p.add("max_window", "%d is not a number of tokens (0 to %d; 0 = data.seq_len/4)", c.MaxWindow, most)
	}
	if !(c.EdgeDrop >= 0 && c.EdgeDrop < 1) {
		p.add("edge_drop", "%v is not a rate from 0 to below 1", c.EdgeDrop)
	}
}

func (c *Config) controlProblems(p *problems) {
	p.oneOf("control", c.Control, namesOf(controls(), func(c control) string { return c.name })...)
	p.oneOf("reliability", c.Reliability, ReliabilitySkill, ReliabilityTargetProb, ReliabilityAccuracy,
		ReliabilityConfidence, ReliabilityEntropy, ReliabilityMargin)
	if c.Form == FormNone && c.Cross != CrossWaitK && c.Control != ControlFixed {
		p.add("control", "%s has nothing to move under form none; use form input or infill, or control fixed",
			c.Control)
	}
	switch {
	case c.Anchors < 0:
		p.add("anchors", "%d is negative", c.Anchors)
	case c.Anchors == 0 && c.measures():
		p.add("anchors", "control %s measures reliability on anchor rows, so it needs some: 4 makes every 4th row one",
			c.Control)
	case c.Anchors == 1 && c.Form != FormNone:
		p.add("anchors", "1 keeps every row under the static mask, so form %s would never act; use 2 or more, or "+
			"form none", c.Form)
	}
	if needs := controlOf(c.Control).problems; needs != nil {
		needs(c, p)
	}
}

func (c *Config) rangeProblems(p *problems) {
	p.between("openness", c.Openness, 0, 1, "an openness")
	p.between("schedule.from", c.Schedule.From, 0, 1, "an openness")
	p.between("schedule.to", c.Schedule.To, 0, 1, "an openness")
	p.atLeast("schedule.steps", c.Schedule.Steps, 0)
	if c.Buckets < 1 || c.Buckets > maxBuckets {
		p.add("buckets", "%d is not a number of ranges of positions (1 to %d)", c.Buckets, maxBuckets)
	}
	p.between("low", c.Low, 0, 1, "a reliability")
	p.between("high", c.High, 0, 1, "a reliability")
	if c.Low >= c.High {
		p.add("low", "%v must be below mask.high (%v): between them openness goes from 0 to 1", c.Low, c.High)
	}
	if !(c.Beta >= 0 && c.Beta < 1) {
		p.add("beta", "%v is not a decay from 0 to below 1", c.Beta)
	}
	p.between("open_rate", c.OpenRate, 0, 1, "a change of openness")
	p.between("close_rate", c.CloseRate, 0, 1, "a change of openness")
	p.between("deadband", c.Deadband, 0, 1, "a change of openness")
	p.atLeast("min_tokens", c.MinTokens, 1)
	p.atLeast("warmup", c.Warmup, 0)
	p.probability("prob_range", c.ProbRange[0])
	p.probability("prob_range", c.ProbRange[1])
	if c.ProbRange[0] > c.ProbRange[1] {
		p.add("prob_range", "%v … %v must ascend: the rate when open, then the rate when closed", c.ProbRange[0],
			c.ProbRange[1])
	}
}
