package compare

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if math.IsNaN(want) != math.IsNaN(got) || math.Abs(got-want) > tolerance {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

// Student's t quantiles at 97.5 %, as every table prints them.
func TestIntervalUsesStudentsQuantiles(t *testing.T) {
	for n, want := range map[int]float64{
		2:   12.7062,
		3:   4.3027,
		4:   3.1824,
		5:   2.7764,
		10:  2.2622,
		31:  2.0423,
		121: 1.9799,
	} {
		near(t, "t", student(n).Quantile(0.975), want, 5e-5)
	}
	// By hand: 1, 2, 3 have mean 2, standard deviation 1, so the half width is 4.302653/√3.
	e := estimate([]float64{1, 2, 3})
	near(t, "mean", float64(e.Mean), 2, 0)
	near(t, "half width", e.half(), 2.484138, 1e-6)
	near(t, "low", float64(e.Low), 2-2.484138, 1e-6)
}

// Cushny and Peebles's hours of sleep gained by ten patients under two drugs, the data of Student's paper of 1908.
// R's t.test(extra ~ group, data = sleep, paired = TRUE) prints t = −4.0621, df = 9, p = 0.002833 and the interval
// −2.4598858 … −0.7001142.
func TestPairedDifferenceOfStudentsSleepData(t *testing.T) {
	first := []float64{0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0}
	second := []float64{1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4}
	d := paired(first, second)
	near(t, "mean", float64(d.Mean), -1.58, 1e-12)
	near(t, "low", float64(d.Low), -2.4598858, 5e-8)
	near(t, "high", float64(d.High), -0.7001142, 5e-8)
	near(t, "p", float64(d.P), 0.002833, 5e-7)
	if d.N != 10 {
		t.Errorf("n = %d", d.N)
	}
}

func TestEdgesOfTheTest(t *testing.T) {
	nan := math.NaN()
	for _, c := range []struct {
		name   string
		values []float64
		p      float64
	}{
		{"one value", []float64{3}, nan},
		{"none", nil, nan},
		{"all alike", []float64{-0.5, -0.5, -0.5}, 0},
		{"all 0", []float64{0, 0}, 1},
		{"not finite", []float64{1, nan}, nan},
		{"even", []float64{-1, 1}, 1},
	} {
		near(t, c.name, twoSided(c.values), c.p, 0)
	}
	if e := estimate([]float64{3}); e.Mean != 3 || !math.IsNaN(float64(e.Low)) || !math.IsNaN(float64(e.High)) {
		t.Errorf("one value: %+v", e)
	}
}

// The interval and the test are two views of one thing: 0 is outside a 95 % interval if and only if p < 0.05.
func TestIntervalAgreesWithPValue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := rapid.SliceOfN(rapid.Float64Range(-1, 2), 2, 8).Draw(t, "values")
		d := paired(v, make([]float64, len(v)))
		if p := float64(d.P); math.Abs(p-0.05) > 1e-9 && (d.Low > 0 || d.High < 0) != (p < 0.05) {
			t.Errorf("%v … %v, p %v", d.Low, d.High, p)
		}
	})
}

// R's p.adjust(method = "holm") of 0.01 … 0.05, and of the same shuffled with values that are none.
func TestHolm(t *testing.T) {
	nan := math.NaN()
	for _, c := range []struct{ p, want []float64 }{
		{[]float64{0.01, 0.02, 0.03, 0.04, 0.05}, []float64{0.05, 0.08, 0.09, 0.09, 0.09}},
		{[]float64{0.04, nan, 0.01, 0.05, 0.02, nan, 0.03}, []float64{0.09, nan, 0.05, 0.09, 0.08, nan, 0.09}},
		{[]float64{0.6, 0.7}, []float64{1, 1}},
		{[]float64{0.2}, []float64{0.2}},
		{nil, nil},
	} {
		for i, got := range holm(c.p) {
			near(t, "adjusted p", got, c.want[i], 1e-12)
		}
	}
}
