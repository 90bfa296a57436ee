package metrics

import "strings"

// ExactMatch is the share of hypotheses that are their reference, white space at either end aside. The zero value
// has seen nothing.
type ExactMatch struct{ Same, Pairs int }

// Add compares one hypothesis with its references, of which it may be any.
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
