package cpu

import (
	"fmt"
	"testing"
)

// A strip of any width, with any rest of rows and steps, is the product it should be, reads nothing but its
// operands (what lies around them is NaN) and writes nothing but its columns. The values are small integers, so
// that every sum is exact.
func TestStripsOfEveryShape(t *testing.T) { eachPath(t, testStripsOfEveryShape) }

func testStripsOfEveryShape(t *testing.T) {
	p := open(t, 1).prim
	if p.lanes == 0 {
		t.Skip("no strips")
	}
	for width := 1; width <= maxStrip; width++ {
		for n := (width-1)*p.lanes + 1; n <= width*p.lanes; n++ {
			for _, m := range []int{1, 2, 4, 7, 9} {
				for _, k := range []int{0, 1, 3, 4, 9} {
					for extras := range 8 {
						c := newStripCase(m, n, k, extras)
						p.strip[width](c.c[c.at:], c.ld, c.init, c.ld, c.bias, c.a, c.sam, c.sak, c.b, c.ld, m, n, k)
						if err := c.check(); err != nil {
							t.Fatalf("m=%d n=%d k=%d extras=%03b: %v", m, n, k, extras, err)
						}
					}
				}
			}
		}
	}
}

// stripCase is one product and its operands: extras says whether there are Init (1) and Bias (2), and whether A is
// transposed (4).
type stripCase struct {
	m, n, k       int
	c, init, bias []float32
	a, b          []float32
	sam, sak      int
	at, ld        int // where C begins in c, and the row length of B, C and Init
}

func newStripCase(m, n, k, extras int) *stripCase {
	c := &stripCase{
		m:   m,
		n:   n,
		k:   k,
		at:  3,
		ld:  n + 5,
		sam: k,
		sak: 1,
	}
	c.c = nans(c.at + m*c.ld)
	if extras&1 != 0 {
		c.init = spread(m, n, c.ld, 2)
	}
	if extras&2 != 0 {
		c.bias = spread(1, n, n, 3)
	}
	c.a, c.b = spread(m, k, k, 5), spread(k, n, c.ld, 7)
	if extras&4 != 0 {
		c.sam, c.sak = 1, m
		c.a = spread(k, m, m, 5)
	}
	return c
}

// spread is a matrix of small integers with NaN between its rows.
func spread(rows, cols, ld, factor int) []float32 {
	x := nans(rows * ld)
	for r := range rows {
		for c := range cols {
			x[r*ld+c] = float32((factor*r+c*c)%9 - 4)
		}
	}
	return x
}

func nans(n int) []float32 {
	x := make([]float32, n)
	fill(x, inf()-inf())
	return x
}

func (c *stripCase) check() error {
	for i, got := range c.c {
		row, column := (i-c.at)/c.ld, (i-c.at)%c.ld
		if i < c.at || column >= c.n {
			if got == got {
				return fmt.Errorf("writes %v outside, at %d", got, i)
			}
			continue
		}
		if want := c.want(row, column); got != want {
			return fmt.Errorf("row %d, column %d: %v, want %v", row, column, got, want)
		}
	}
	return nil
}

func (c *stripCase) want(row, column int) float32 {
	var sum float32
	if c.init != nil {
		sum = c.init[row*c.ld+column]
	}
	if c.bias != nil {
		sum += c.bias[column]
	}
	for k := range c.k {
		sum += c.a[row*c.sam+k*c.sak] * c.b[k*c.ld+column]
	}
	return sum
}
