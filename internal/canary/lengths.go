package canary

import (
	"math"
	"math/rand/v2"
)

// Distributions of lengths.
const (
	Single    = "single"    // one document that never ends
	Geometric = "geometric" // ends after every letter with the same probability
	Fixed     = "fixed"     // all of the same length
)

// lengths is the distribution of documents' lengths, in letters, at least 1.
type lengths struct {
	kind string
	mean float64
	most int // geometric: the distribution is truncated to this; 0 = no limit
}

func (l lengths) draw(r *rand.Rand) int {
	if l.kind == Fixed {
		return int(l.mean)
	}
	for {
		n := 1
		if end := 1 / l.mean; end < 1 {
			n += int(math.Log(1-r.Float64()) / math.Log(1-end))
		}
		if l.most == 0 || n <= l.most {
			return n
		}
	}
}

// ends is the probability that a document of at least n ≥ 1 letters has exactly n. It is not used for fixed lengths.
func (l lengths) ends(n int) float64 {
	end := 1 / l.mean
	if l.kind == Single {
		return 0
	}
	if l.most == 0 {
		return end
	}
	return end / (1 - math.Pow(1-end, float64(l.most-n+1)))
}

// beyond is P(length > m | length ≥ n).
func (l lengths) beyond(n, m int) float64 {
	if n > m {
		return 1
	}
	p := 1.0
	for k := n; k <= m; k++ {
		p *= 1 - l.ends(k)
	}
	return p
}
