package kernelstest

import (
	"math"

	"dmtrain/internal/tensor"
)

// tolerance says how far an output may be from the reference's; see the package's documentation.
type tolerance struct {
	terms int     // of the longest sum; 0 means equal
	floor float64 // the least scale
	nan   bool    // the reference may give NaN, and then so must the backend
}

// exactly is for results that one correctly rounded operation, or none, gives.
var exactly = tolerance{}

// within is for results of sums of n terms. Functions such as exp and tanh count as a few terms.
func within(n int) tolerance { return tolerance{terms: n} }

// atLeast raises the scale to the size of the terms that cancel in the result.
func (t tolerance) atLeast(scale float64) tolerance {
	t.floor = scale
	return t
}

// epsilon is the distance from 1 to the next number of a type.
func epsilon(dt tensor.DType) float64 {
	if dt == tensor.BFloat16 {
		return 0x1p-7
	}
	return 0x1p-23
}

// limit is the allowed error as a function of the reference's value, among all its values.
func (t tolerance) limit(dt tensor.DType, all []float64) func(want float64) float64 {
	if t.terms == 0 {
		return func(float64) float64 { return 0 }
	}
	scale := math.Max(t.floor, rms(all))
	sum := 2 * 0x1p-23 * math.Sqrt(float64(t.terms))
	return func(want float64) float64 {
		bound := sum*(math.Abs(want)+scale) + epsilon(dt)*math.Abs(want)
		if dt == tensor.BFloat16 {
			bound += epsilon(dt) * scale
		}
		return bound
	}
}

// near also takes equal infinities and two NaN for near.
func near(got, want, limit float64) bool {
	if got == want || (got != got && want != want) {
		return true
	}
	return math.Abs(got-want) <= limit
}

// rms is the root mean square of the finite values.
func rms(x []float64) float64 {
	sum, n := 0.0, 0
	for _, v := range x {
		if !math.IsNaN(v) && !math.IsInf(v, 0) {
			sum += v * v
			n++
		}
	}
	return math.Sqrt(sum / float64(max(n, 1)))
}
