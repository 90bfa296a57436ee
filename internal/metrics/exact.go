package metrics

import "strings"

// ExactMatch is the share of hypotheses equal to a reference, ignoring outer white space. The zero value is empty.
type ExactMatch struct{ Same, Pairs int }

// Add adds one hypothesis with its references.
func (e *ExactMatch) Add(hyp string, refs ...string) {
	e.Pairs++
	for _, ref := range refs {
		if strings.TrimSpace(hyp) == strings.TrimSpace(ref) {
			e.Same++
			return
		}
	}
}

// Score is the percentage.
func (e *ExactMatch) Score() float64 { return 100 * Accuracy(e.Same, e.Pairs) }
