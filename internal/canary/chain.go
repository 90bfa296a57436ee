package canary

import "math/rand/v2"

// chain is how the letters of the text follow one another: any after any, or, if the first half of them are sure,
// the last letter after each of those. Then a mask that follows reliability has something to follow, and how sure a
// prediction is tells of what is hidden.
type chain struct {
	letters int
	sure    bool
	power   [][]float64 // by distance d: P(y stands d after x), at x·letters + y
}

// farthest is the distance from which letters say nothing of one another that float64 could tell.
const farthest = 60

func newChain(letters int, sure bool) *chain {
	c := &chain{letters: letters, sure: sure, power: make([][]float64, farthest+1)}
	one := make([]float64, letters*letters)
	for x := range letters {
		for y := range letters {
			switch {
			case !sure || x >= letters/2:
				one[x*letters+y] = 1 / float64(letters)
			case y == letters-1:
				one[x*letters+y] = 1
			}
		}
	}
	c.power[1] = one
	for d := 2; d <= farthest; d++ {
		c.power[d] = product(c.power[d-1], one, letters)
	}
	return c
}

func product(a, b []float64, n int) []float64 {
	p := make([]float64, n*n)
	for x := range n {
		for y := range n {
			for z := range n {
				p[x*n+y] += a[x*n+z] * b[z*n+y]
			}
		}
	}
	return p
}

// first is the probability of a letter of which nothing else is known: two letters in three are not sure, and any
// may follow them.
func (c *chain) first(x int) float64 {
	k := float64(c.letters)
	switch {
	case !c.sure:
		return 1 / k
	case x == c.letters-1:
		return 1.0/3 + 2/(3*k)
	}
	return 2 / (3 * k)
}

// after is the probability of y at a distance after x.
func (c *chain) after(x, y, distance int) float64 {
	return c.power[min(distance, farthest)][x*c.letters+y]
}

// none stands for a letter that is not known.
const none = -1

// between is the probability of x, so far after one known letter and so far before another; either may be none.
func (c *chain) between(x, left, before, right, behind int) float64 {
	weight := func(x int) float64 {
		w := c.first(x)
		if left != none {
			w = c.after(left, x, before)
		}
		if right != none {
			w *= c.after(x, right, behind)
		}
		return w
	}
	sum := 0.0
	for y := range c.letters {
		sum += weight(y)
	}
	return weight(x) / sum
}

// draw is a letter after another one, or a first one.
func (c *chain) draw(r *rand.Rand, last int) int {
	switch {
	case !c.sure || last >= c.letters/2:
		return r.IntN(c.letters)
	case last == none && r.Float64() < 2.0/3:
		return r.IntN(c.letters)
	}
	return c.letters - 1
}
