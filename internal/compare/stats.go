package compare

import (
	"cmp"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"

	"dmtrain/internal/metrics"
)

// confidence is the level of all intervals.
const confidence = 0.95

// Estimate is a mean with its confidence interval. For N = 1, Low and High are NaN.
type Estimate struct {
	Mean metrics.Number `json:"mean"`
	Low  metrics.Number `json:"low"`
	High metrics.Number `json:"high"`
	N    int            `json:"n"`
}

// estimate is the mean of independent draws from a normal distribution, with Student's interval.
func estimate(values []float64) Estimate {
	mean, sem := meanError(values)
	half := math.NaN()
	if n := len(values); n > 1 {
		half = sem * student(n).Quantile((1+confidence)/2)
	}
	return Estimate{
		Mean: metrics.Number(mean),
		Low:  metrics.Number(mean - half),
		High: metrics.Number(mean + half),
		N:    len(values),
	}
}

// half is the interval's half width.
func (e Estimate) half() float64 { return float64(e.High-e.Low) / 2 }

// Difference is a mean paired difference, with its p-value (two-sided t test against 0).
type Difference struct {
	Estimate
	P    metrics.Number `json:"p"`
	Holm metrics.Number `json:"p_holm"` // P adjusted for all differences tested together; NaN if not tested
}

// paired is the mean of values[i] − against[i].
func paired(values, against []float64) Difference {
	d := make([]float64, len(values))
	for i := range d {
		d[i] = values[i] - against[i]
	}
	return Difference{Estimate: estimate(d), P: metrics.Number(twoSided(d)), Holm: metrics.Number(math.NaN())}
}

// twoSided is the p-value of Student's one-sample test against mean 0.
func twoSided(values []float64) float64 {
	mean, sem := meanError(values)
	switch {
	case len(values) < 2 || math.IsNaN(mean):
		return math.NaN()
	case mean == 0:
		return 1
	case sem == 0:
		return 0
	}
	return 2 * student(len(values)).CDF(-math.Abs(mean/sem))
}

// meanError is the mean and its standard error.
func meanError(values []float64) (mean, sem float64) {
	mean, std := stat.MeanStdDev(values, nil)
	return mean, stat.StdErr(std, float64(len(values)))
}

// student is the distribution of the mean of n draws, in standard errors.
func student(n int) distuv.StudentsT { return distuv.StudentsT{Mu: 0, Sigma: 1, Nu: float64(n - 1)} }

// holm adjusts p-values of tests made together, so that rejecting those below α keeps the probability of any false
// rejection below α (Holm 1979). NaNs stay NaN.
func holm(p []float64) []float64 {
	adjusted := slices.Clone(p)
	var order []int
	for i, v := range p {
		if !math.IsNaN(v) {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(p[a], p[b]) })
	least := 0.0
	for k, i := range order {
		least = max(least, min(1, float64(len(order)-k)*p[i]))
		adjusted[i] = least
	}
	return adjusted
}
