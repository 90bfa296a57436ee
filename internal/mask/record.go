package mask

import (
	"fmt"
	"strings"
)

// Record is what a user sees move: one a step, in the metrics.
type Record struct {
	// u by bucket, under which the step was planned; two_pass: mean window over the largest
	Openness    []float64 `json:"openness"`
	Reliability []float64 `json:"reliability"` // R by bucket, as far as observed
	MaxWindow   []int     `json:"max_window"`  // W by bucket: infill's largest look-ahead
	Rate        []float64 `json:"rate"`        // p by bucket: how often a token is hidden
	Skipped     int       `json:"skipped"`     // bucket updates skipped so far

	Hidden     float64 `json:"hidden"`      // hidden tokens over all that are not padding
	MeanWindow float64 `json:"mean_window"` // look-ahead of the slots, clipped to their documents

	AnchorCE     float64 `json:"anchor_ce"`     // mean cross-entropy on anchor rows, nats; 0 if not finite
	AnchorTokens int     `json:"anchor_tokens"` // how many tokens that is
	InfillCE     float64 `json:"infill_ce"`     // the same of slots
	InfillTokens int     `json:"infill_tokens"`

	Visible       float64 `json:"visible"`        // visible pairs over all; from here on 0 where not measured
	FutureVisible float64 `json:"future_visible"` // the same of pairs whose key comes after the query
	Tiles         int     `json:"tiles"`          // attention tiles computed a layer and head
	TilesTotal    int     `json:"tiles_total"`    // of how many
}

// Record fills r with a step's statistics.
func (c *Controller) Record(r *Record, s *Stats) {
	n := len(c.planned)
	r.Openness, r.Reliability = grow(r.Openness, n), grow(r.Reliability, n)
	r.MaxWindow, r.Rate = grow(r.MaxWindow, n), grow(r.Rate, n)
	sh := &s.shape
	r.Hidden, r.MeanWindow = ratio(sh.hidden, sh.tokens), ratio(sh.lookahead, sh.slots)
	for i, u := range c.planned {
		if c.control.firstLook && c.cfg.MaxWindow > 0 {
			u = r.MeanWindow / float64(c.cfg.MaxWindow)
		}
		r.Openness[i] = u
		r.Reliability[i] = c.state.Buckets[i].Reliability(c.cfg.Beta)
		r.MaxWindow[i] = c.cfg.maxWindow(u)
		r.Rate[i] = c.form.rate(&c.cfg, u)
	}
	r.Skipped = c.state.Skipped
	r.AnchorCE, r.AnchorTokens = meanOf(s.anchors)
	r.InfillCE, r.InfillTokens = meanOf([]tally{s.slots})
	r.Visible, r.FutureVisible = ratio(sh.visible, sh.pairs), ratio(sh.ahead, sh.aheadPairs)
	r.Tiles, r.TilesTotal = sh.tiles, sh.tilesTotal
}

func ratio(n, of int) float64 {
	if of == 0 {
		return 0
	}
	return float64(n) / float64(of)
}

// meanOf is the mean cross-entropy over all tallies; 0 without tokens and where it is not finite.
func meanOf(tallies []tally) (ce float64, tokens int) {
	var all tally
	for i := range tallies {
		all.tokens += tallies[i].tokens
		all.nll += tallies[i].nll
	}
	if ce = all.mean(all.nll); !finite(ce) {
		ce = 0
	}
	return ce, all.tokens
}

// String is the short form, for a progress line: "u 0.42  R 0.31  p 0.15  window 3.1".
func (r *Record) String() string {
	var parts []string
	add := func(name, format string, v []float64) {
		texts := make([]string, len(v))
		for i := range v {
			texts[i] = fmt.Sprintf(format, v[i])
		}
		parts = append(parts, name+" "+strings.Join(texts, "/"))
	}
	add("u", "%.2f", r.Openness)
	add("R", "%.2f", r.Reliability)
	add("hidden", "%.3f", []float64{r.Hidden})
	if r.InfillTokens > 0 {
		add("window", "%.1f", []float64{r.MeanWindow})
		add("infill", "%.3f", []float64{r.InfillCE})
	}
	return strings.Join(parts, "  ")
}
