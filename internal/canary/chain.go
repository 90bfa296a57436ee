package canary

import "math/rand/v2"

// chain is the Markov chain that draws the letters of the text: uniform, or, if sure, with the last letter after each
// letter of the first half. The sure letters make reliability vary, for masks that follow it, and confidence then
// depends on hidden tokens.
type chain struct {
	letters int
	sure    bool
	power   [][]float64 // by distance d: P(y stands d after x), (letters, letters)
}

// maxDistance is where letters become independent, to the precision of float64.
const maxDistance = 60

func newChain(letters int, sure bool) *chain {
	c := &chain{letters: letters, sure: sure, power: make([][]float64, maxDistance+1)}
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
	for d := 2; d <= maxDistance; d++ {
		c.power[d] = matmul(c.power[d-1], one, letters)
	}
	return c
}

// matmul multiplies two (n, n) matrices.
func matmul(a, b []float64, n int) []float64 {
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

// first is the stationary probability of a letter: two letters in three are not sure, and any may follow those.
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

// after is the probability of y at a distance after x: row x of the power for that distance.
func (c *chain) after(x, y, distance int) float64 {
	return c.power[min(distance, maxDistance)][x*c.letters+y]
}

// none stands for an unknown letter or position.
const none = -1

// between is the probability of x, before letters after the letter left and behind letters before the letter right;
// either may be none.
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

// draw draws the letter after last; last may be none.
func (c *chain) draw(r *rand.Rand, last int) int {
	switch {
	case !c.sure || last >= c.letters/2:
		return r.IntN(c.letters)
	case last == none && r.Float64() < 2.0/3:
		return r.IntN(c.letters)
	}
	return c.letters - 1
}
