package cpu

import (
	"math"
	"testing"
)

// Loops over arrays give at every length what the plain ones give, read nothing beyond it (NaN lies there) and
// leave what is there.
func TestLoopsOfEveryLength(t *testing.T) { eachPath(t, testLoopsOfEveryLength) }

func testLoopsOfEveryLength(t *testing.T) {
	p, plain := open(t, 1).prim, generic()
	for name, run := range loops {
		for n := range 3*maxLanes + 2 {
			got, want := newArrays(n), newArrays(n)
			if g, w := run(&p, got, n), run(&plain, want, n); n > 0 && !near(g, w) {
				t.Errorf("%s of %d: %v, want %v", name, n, g, w)
			}
			for i := range got {
				for j, g := range got[i] {
					if w := want[i][j]; j < n && !near(float64(g), float64(w)) || j >= n && g == g {
						t.Errorf("%s of %d: array %d has %v at %d, want %v", name, n, i, g, j, w)
					}
				}
			}
		}
	}
}

type arrays [7][]float32

// newArrays fills n elements of each and leaves NaN behind them. The fourth holds no negative numbers, like AdamW's
// second moment.
func newArrays(n int) *arrays {
	var a arrays
	for i := range a {
		a[i] = nans(n + maxLanes)
		for j := range n {
			a[i][j] = float32(math.Sin(float64(1 + i + 7*j)))
		}
	}
	for j := range n {
		a[3][j] *= a[3][j]
	}
	return &a
}

// loops are the primitives over arrays, each with the sum of its results, or 0.
var loops = map[string]func(p *primitives, a *arrays, n int) float64{
	"add":  func(p *primitives, a *arrays, n int) float64 { p.add(a[0][:n], a[1][:n], a[2][:n]); return 0 },
	"keep": func(p *primitives, a *arrays, n int) float64 { p.keep(a[0][:n], a[1][:n], a[2][:n]); return 0 },
	"scale": func(p *primitives, a *arrays, n int) float64 {
		p.scale(a[0][:n], a[1][:n], 3)
		return 0
	},
	"gelu": func(p *primitives, a *arrays, n int) float64 { p.gelu(a[0][:n], a[1][:n]); return 0 },
	"geluBackward": func(p *primitives, a *arrays, n int) float64 {
		p.geluBackward(a[0][:n], a[1][:n], a[2][:n])
		return 0
	},
	"layerNorm": func(p *primitives, a *arrays, n int) float64 {
		mean, rstd := p.layerNorm(a[0][:n], a[1][:n], a[2][:n], a[3][:n], 0.1)
		return float64(mean + rstd)
	},
	"layerNormBackward": func(p *primitives, a *arrays, n int) float64 {
		p.layerNormBackward(a[0][:n], a[1][:n], a[2][:n], a[3][:n], a[4][:n], a[5][:n], a[6][:n], 0.5, 2)
		return 0
	},
	"dot":        func(p *primitives, a *arrays, n int) float64 { return float64(p.dot(a[0][:n], a[1][:n])) },
	"sumSquares": func(p *primitives, a *arrays, n int) float64 { return p.sumSquares(a[0][:n]) },
	"columnSums": func(p *primitives, a *arrays, n int) float64 { p.columnSums(a[0][:n], a[1], n, 1); return 0 },
	"expSum": func(p *primitives, a *arrays, n int) float64 {
		sum, spread := p.expSum(a[0][:n], a[1][:n], 1)
		return float64(sum + spread)
	},
	"adamW": func(p *primitives, a *arrays, n int) float64 {
		p.adamW(a[0][:n], a[1][:n], a[2][:n], a[3][:n], 0.5, 0.9, 0.1, 0.99, 0.01, 0.999, 0.1, 1.5, 1e-3)
		return 0
	},
}

// near allows for sums in another order.
func near(a, b float64) bool { return math.Abs(a-b) <= 1e-5*(1+math.Abs(b)) }
