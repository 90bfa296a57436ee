package canary

import (
	"math"
	"math/rand/v2"
)

// The distributions of lengths.
const (
	Single    = "single"    // one document that never ends
	Geometric = "geometric" // may end after every letter, with one probability
	Fixed     = "fixed"     // all alike
)

// lengths is how long documents are, in letters, at least 1.
type lengths struct {
	kind string
	mean float64
	most int // geometric: lengths are drawn again until they are at most this; 0 = no limit
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

// ends is the probability that a document of at least n letters, n ≥ 1, has no more. Who can count may know it of
// fixed lengths: then it is not asked.
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

// beyond is the probability that a length of at least n is more than m.
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
