package cpu

import (
	"math"
	"os"
	"testing"
)

// The exponential's stated bound, over all of its range: one float32 in 1009, or in 11 with DMTRAIN_LONG=1. (Over
// every one of them the worst is 1.02 ulp.)
func TestExpIsWithinTwoUlp(t *testing.T) { eachPath(t, testExpIsWithinTwoUlp) }

func testExpIsWithinTwoUlp(t *testing.T) {
	step := uint64(1009)
	if os.Getenv("DMTRAIN_LONG") != "" {
		step = 11
	}
	exps := open(t, 1).prim.expSum
	const bound, block = 2, 1 << 12
	worst, at := 0.0, float32(0)
	x, e := make([]float32, 0, block), make([]float32, block)
	for bits := uint64(0); bits <= math.MaxUint32; bits += step {
		// Beyond these everything is 0, or +∞.
		if v := math.Float32frombits(uint32(bits)); v >= -110 && v <= 95 {
			x = append(x, v)
		}
		if len(x) < block && bits+step <= math.MaxUint32 {
			continue
		}
		exps(e, x, 0)
		for i, v := range x {
			if u := ulps(e[i], math.Exp(float64(v))); u > worst {
				worst, at = u, v
			}
		}
		x = x[:0]
	}
	if worst > bound {
		t.Errorf("exp(%v) is off by %.2f ulp, more than %d", at, worst, bound)
	}
	t.Logf("worst: %.2f ulp at %v", worst, at)
}

// ulps is how far got is from want, in units of the last place of a float32 as large as want.
func ulps(got float32, want float64) float64 {
	if math.IsInf(float64(got), 1) {
		if want >= math.MaxFloat32 {
			return 0
		}
		return math.Inf(1)
	}
	const smallest = -149
	_, exponent := math.Frexp(want)
	return math.Abs(float64(got)-want) / math.Ldexp(1, max(exponent-24, smallest))
}

func TestExpOfSpecialValues(t *testing.T) { eachPath(t, testExpOfSpecialValues) }

func testExpOfSpecialValues(t *testing.T) {
	exps := open(t, 1).prim.expSum
	infinite, nan := float32(math.Inf(1)), float32(math.NaN())
	x := []float32{0, float32(math.Copysign(0, -1)), -infinite, infinite, nan, -104, 89, 1e38, -1e38, 5e-45}
	want := []float32{1, 1, 0, infinite, nan, 0, infinite, infinite, 0, 1}
	got := make([]float32, len(x))
	exps(got, x, 0)
	for i := range x {
		if got[i] != want[i] && (got[i] == got[i] || want[i] == want[i]) {
			t.Errorf("exp(%v) = %v, want %v", x[i], got[i], want[i])
		}
	}
}
