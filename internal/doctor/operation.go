package doctor

import (
	"fmt"
	"math"

	"dmtrain/internal/kernels"
	"dmtrain/internal/kernels/fixture"
	"dmtrain/internal/kernels/ref"
	"dmtrain/internal/tensor"
)

// shape is uneven, so that edges of vectors and tiles are met.
var shape = fixture.Shape{
	Batch:  2,
	T:      37,
	Width:  64,
	Heads:  2,
	Inner:  3*64 + 1,
	Vocab:  101,
	Ragged: 3,
}

// try makes a call on the reference and on a backend, and says how the outputs differ.
func try(e fixture.Example, be kernels.Backend, float tensor.DType) string {
	formula, err := e.On(ref.New(), float, shape)
	if err != nil {
		return err.Error()
	}
	defer formula.Free()
	device, err := e.On(be, float, shape)
	if err != nil {
		return err.Error()
	}
	defer device.Free()
	formula.Run()
	device.Run()
	if err := be.Sync(); err != nil {
		return err.Error()
	}
	for i, out := range formula.Outputs {
		want, err := formula.Read(out)
		if err != nil {
			return err.Error()
		}
		got, err := device.Read(device.Outputs[i])
		if err != nil {
			return err.Error()
		}
		if problem := compare(out, got, want); problem != "" {
			return problem
		}
	}
	return ""
}

// slack is how many times the error of an average rounding, eps·√terms, a result may be off: elements are sums of
// numbers of size 1.
const slack = 16

// allowed is how far an element of an output may be off. A bfloat16 output is rounded once, and intermediate
// results may be.
func allowed(o fixture.Output, want float64) float64 {
	sum := math.Sqrt(float64(o.Terms))
	switch o.DType() {
	case tensor.Float32:
		return slack * 0x1p-24 * sum * (1 + math.Abs(want))
	case tensor.BFloat16:
		return 0x1p-8 * (sum + math.Abs(want))
	}
	return 0
}

// compare says where an output differs most from the reference's, for what it may; "" where it does not by more than
// rounding.
func compare(o fixture.Output, got, want []float64) string {
	wrong, worst, excess := 0, 0, 0.0
	for i := range want {
		d, may := math.Abs(got[i]-want[i]), allowed(o, want[i])
		if d <= may {
			continue
		}
		if wrong++; wrong == 1 || !(d-may <= excess) { // NaN is worse than any number
			worst, excess = i, d-may
		}
	}
	if wrong == 0 {
		return ""
	}
	return fmt.Sprintf("%s: %d of %d elements are wrong; element %d is %v, not %v",
		o.Name, wrong, len(want), worst, got[worst], want[worst])
}
