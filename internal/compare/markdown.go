package compare

import (
	"fmt"
	"math"
	"strings"

	"dmtrain/internal/metrics"
)

// none is an empty cell.
const none = "–"

// Markdown is the table, an explanation and the verdict.
func (r *Report) Markdown() string {
	var b strings.Builder
	s := r.Setup
	fmt.Fprintf(&b, "%d arms, seeds %s, %d steps of %s: %.1f passes over %d tokens, validated on %d others%s; %s.\n\n",
		len(r.Arms),
		strings.Trim(fmt.Sprint(s.Seeds), "[]"), s.Steps, s.step(), s.passes(), s.TrainTokens, s.ValidTokens,
		s.tested(), s.device())
	row(&b, "arm", r.loss(), "against "+r.Baseline, "p", "p (Holm)", r.other(), "against "+r.Baseline, "infill loss",
		"tokens/s")
	row(&b, "---", "---:", "---:", "---:", "---:", "---:", "---:", "---:", "---:")
	for i := range r.Arms {
		a, d := &r.Arms[i], r.difference(&r.Arms[i])
		name := a.Name
		if d == nil {
			name += " (baseline)"
		}
		loss, other, otherDifference := a.Best, a.Final, a.FinalDifference
		if r.Reported == "test" {
			loss, other, otherDifference = *a.Test, a.Best, a.BestDifference
		}
		row(&b, name, value(loss), difference(d), probability(d, false), probability(d, true),
			value(other), difference(otherDifference), infillValue(a.Infill), count(a.TokensPerS))
	}
	fmt.Fprintf(&b, "\nMean ± %.0f %% interval over seeds (Student's t). Losses are nats per token under the "+
		"static mask: best is the lowest of %d evaluations, "+
		"%s. Infill loss is that of the best model on 15 %% hidden tokens of the validation text. Differences are "+
		"taken seed by seed; p is the paired t test's of %s. "+
		"Tokens/s are input tokens in the median step, beside whatever else the machine did.\n\n",
		100*r.Confidence, r.evaluations(), r.otherIs(), r.loss())
	for _, line := range r.Verdict {
		b.WriteString("- " + line + "\n")
	}
	if skipped := r.skipped(); skipped > 0 {
		fmt.Fprintf(&b, "- %d steps were skipped: their loss or gradient was not finite.\n", skipped)
	}
	return b.String()
}

// other names the loss shown beside that of the verdict.
func (r *Report) other() string {
	if r.Reported == "test" {
		return "best validation loss"
	}
	return "final validation loss"
}

func (r *Report) otherIs() string {
	if r.Reported == "test" {
		return "test that of the best model on text that chose nothing"
	}
	return "final the last one"
}

func row(b *strings.Builder, cells ...string) {
	b.WriteString("| " + strings.Join(cells, " | ") + " |\n")
}

// evaluations is the number of evaluations that a run's best loss is chosen from; the untrained model's does not count.
func (r *Report) evaluations() int { return max(0, len(r.Arms[0].Runs[0].Curve)-1) }

func (r *Report) skipped() (n int) {
	for _, a := range r.Arms {
		for _, t := range a.Runs {
			n += t.Skipped
		}
	}
	return n
}

// value is an estimate of a loss.
func value(e Estimate) string { return withHalf(fmt.Sprintf("%.4f", float64(e.Mean)), e) }

func infillValue(e *Estimate) string {
	if e == nil {
		return none
	}
	return value(*e)
}

func difference(d *Difference) string {
	if d == nil {
		return none
	}
	return withHalf(fmt.Sprintf("%+.4f", float64(d.Mean)), d.Estimate)
}

func withHalf(mean string, e Estimate) string {
	switch half := e.half(); {
	case math.IsNaN(float64(e.Mean)) || math.IsInf(float64(e.Mean), 0):
		return "not finite"
	case math.IsNaN(half):
		return mean
	default:
		return fmt.Sprintf("%s ± %.4f", mean, half)
	}
}

func probability(d *Difference, adjusted bool) string {
	if d == nil {
		return none
	}
	p := float64(d.P)
	if adjusted {
		p = float64(d.Holm)
	}
	switch {
	case math.IsNaN(p):
		return none
	case p < 0.0005:
		return "< 0.001"
	}
	return fmt.Sprintf("%.3f", p)
}

func count(e Estimate) string {
	text := metrics.Count(float64(e.Mean))
	if half := e.half(); !math.IsNaN(half) {
		text += " ± " + metrics.Count(half)
	}
	return text
}
