package kernelstest

import (
	"math"

	"dmtrain/internal/tensor"
)

// tolerance says how far an output may be from the reference's; see the package's documentation.
type tolerance struct {
	terms int       // of the longest sum; 0 means equal
	floor float64   // the least scale
	sizes []float64 // that of each element, where elements differ much; or nil
	nan   bool      // the reference may give NaN, and then so must the backend
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

// sized is atLeast for each element.
func (t tolerance) sized(sizes []float64) tolerance {
	t.sizes = sizes
	return t
}

// epsilon is the distance from 1 to the next number of a type.
func epsilon(dt tensor.DType) float64 {
	if dt == tensor.BFloat16 {
		return 0x1p-7
	}
	return 0x1p-23
}

// limit is the allowed error of the i-th element, given all of the reference's.
func (t tolerance) limit(dt tensor.DType, all []float64) func(i int) float64 {
	if t.terms == 0 {
		return func(int) float64 { return 0 }
	}
	least := math.Max(t.floor, rms(all))
	sum := 2 * 0x1p-23 * math.Sqrt(float64(t.terms))
	return func(i int) float64 {
		want, scale := all[i], least
		if t.sizes != nil {
			scale = math.Max(scale, t.sizes[i])
		}
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
