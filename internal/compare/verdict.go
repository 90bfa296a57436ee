package compare

import (
	"fmt"
	"math"
	"strings"
)

// loss names the loss of the verdict.
func (r *Report) loss() string {
	if r.Reported == "test" {
		return "test loss"
	}
	return "best validation loss"
}

// verdict says in words which paired differences of the reported loss are significant.
func (r *Report) verdict() []string {
	if len(r.Setup.Seeds) < 2 {
		return []string{"One seed gives no interval, so nothing can be said about differences: they may be " +
			"of the seed."}
	}
	var better, worse, held []string
	tested := 0
	for i := range r.Arms {
		a, d := &r.Arms[i], r.difference(&r.Arms[i])
		if d == nil || math.IsNaN(float64(d.P)) {
			continue
		}
		tested++
		switch {
		case d.High < 0:
			better = append(better, a.Name)
		case d.Low > 0:
			worse = append(worse, a.Name)
		default:
			continue
		}
		if float64(d.Holm) < 1-r.Confidence {
			held = append(held, a.Name)
		}
	}
	lines := []string{r.beaten(better)}
	if len(worse) > 0 {
		lines = append(lines, fmt.Sprintf("%s %s worse than %s: the interval lies above 0.", list(worse),
			verb(worse, "is", "are"), r.Baseline))
	}
	lines = append(lines, r.chance(tested, len(better)+len(worse), held))
	return append(append(lines, r.adaptivity()...), r.chosen())
}

// chosen says on which text the models were chosen, and on which they are compared.
func (r *Report) chosen() string {
	if r.Reported == "test" {
		return fmt.Sprintf("Each model is the best of %d evaluations on the validation text; they are compared on "+
			"test text, read once, that chose nothing.", r.evaluations())
	}
	return fmt.Sprintf("Each model is the best of %d evaluations on the text that it is compared on, so the losses "+
		"are a little too low, for all arms alike; "+
		"with data.test or data.test_fraction they would be compared on text that chose nothing.", r.evaluations())
}

// beaten says which arms beat the baseline.
func (r *Report) beaten(better []string) string {
	what := fmt.Sprintf("%.0f %% interval of the paired difference in %s", 100*r.Confidence, r.loss())
	if len(better) == 0 {
		return fmt.Sprintf("No arm beats %s: no %s lies below 0.", r.Baseline, what)
	}
	return fmt.Sprintf("%s %s %s: the %s lies below 0.", list(better), verb(better, "beats", "beat"), r.Baseline, what)
}

// chance says how often so many comparisons would find differences by chance.
func (r *Report) chance(tested, apart int, held []string) string {
	if tested < 2 {
		return fmt.Sprintf("The interval is over %d seeds.", len(r.Setup.Seeds))
	}
	text := fmt.Sprintf("These are %d comparisons over %d seeds: if no arm differed from %s at all, at least one "+
		"interval would still miss 0 with a probability of up to %.0f %%. ",
		tested, len(r.Setup.Seeds), r.Baseline, 100*min(1, float64(tested)*(1-r.Confidence)))
	switch {
	case apart == 0:
		return text + "None does."
	case len(held) == 0:
		return text + "With Holm's correction for that, no difference is significant at 5 %."
	}
	return text + fmt.Sprintf("With Holm's correction for that, %s %s significantly different at 5 %%.", list(held),
		verb(held, "is", "are"))
}

// adaptivity compares arms with those yoked to them.
func (r *Report) adaptivity() []string {
	var lines []string
	for _, a := range r.Arms {
		d := a.YokedDifference
		if d == nil || math.IsNaN(float64(d.Mean)) {
			continue
		}
		verdict := "so what it does is not told apart from what its schedule does"
		if d.High < 0 {
			verdict = "so it does more than its schedule"
		} else if d.Low > 0 {
			verdict = "so it does worse than its schedule"
		}
		lines = append(lines, fmt.Sprintf("%s minus %s, which replays another seed's openness: %s; %s.", a.Yoked,
			a.Name, difference(d), verdict))
	}
	return lines
}

// list is "a, b and c".
func list(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}

func verb(names []string, one, many string) string {
	if len(names) == 1 {
		return one
	}
	return many
}
