package doctor

import (
	"fmt"
	"math"

	"dmtrain/internal/kernels"
	"dmtrain/internal/rng"
	"dmtrain/internal/tensor"
)

// desk is a backend with the operands of one operation laid out on it, the same on every backend.
type desk struct {
	kernels.Backend
	float   tensor.DType // of activations and weights
	buffers []kernels.Buffer
	outputs []output
	draws   uint32
	err     error
}

// output is what an operation wrote, to be compared.
type output struct {
	name   string
	buf    kernels.Buffer
	length int // of the sums that make an element
}

func (d *desk) alloc(t tensor.DType, n int) kernels.Buffer {
	b, err := d.Alloc(t, n)
	if err != nil {
		d.err = err
		panic(stop{})
	}
	d.buffers = append(d.buffers, b)
	return b
}

// stop unwinds an operation whose operands can't be had.
type stop struct{}

// put lays out values.
func (d *desk) put(t tensor.DType, n int, values any) kernels.Buffer {
	b := d.alloc(t, n)
	d.Upload(b, values)
	return b
}

// normal is n activations or weights, drawn from the normal distribution of mean 0 and deviation 1.
func (d *desk) normal(n int) kernels.Buffer { return d.drawn(d.float, n) }

// single is normal in float32, as gradients of parameters and the optimiser's state are in either precision.
func (d *desk) single(n int) kernels.Buffer { return d.drawn(tensor.Float32, n) }

func (d *desk) drawn(t tensor.DType, n int) kernels.Buffer {
	d.draws++
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(rng.Normal(1, rng.Probe, d.draws, 0, uint32(i)))
	}
	return d.put(t, n, v)
}

// below is n integers from 0 to most−1.
func (d *desk) below(n, most int) kernels.Buffer {
	d.draws++
	v := make([]int32, n)
	for i := range v {
		v[i] = int32(rng.Below(1, rng.Probe, d.draws, 0, uint32(i), most))
	}
	return d.put(tensor.Int32, n, v)
}

func (d *desk) ints(v ...int32) kernels.Buffer { return d.put(tensor.Int32, len(v), v) }

// fill is n times x.
func (d *desk) fill(n int, x float32) kernels.Buffer {
	v := make([]float32, n)
	for i := range v {
		v[i] = x
	}
	return d.put(tensor.Float32, n, v)
}

// some is n bytes, every third of them 1.
func (d *desk) some(n int) kernels.Buffer {
	v := make([]uint8, n)
	for i := range v {
		v[i] = uint8(i % 3 / 2)
	}
	return d.put(tensor.Uint8, n, v)
}

// floats makes room for an output of n activations, each a sum of so many terms.
func (d *desk) floats(name string, n, length int) kernels.Buffer {
	return d.out(name, d.alloc(d.float, n), length)
}

// singles is floats in float32.
func (d *desk) singles(name string, n, length int) kernels.Buffer {
	return d.out(name, d.alloc(tensor.Float32, n), length)
}

// out says that a buffer is an output.
func (d *desk) out(name string, b kernels.Buffer, length int) kernels.Buffer {
	d.outputs = append(d.outputs, output{name, b, length})
	return b
}

// read is an output on the host, widened.
func (d *desk) read(o output) ([]float64, error) {
	n := o.buf.Len()
	wide := make([]float64, n)
	var err error
	switch o.buf.DType() {
	case tensor.Int32:
		v := make([]int32, n)
		err = d.Download(v, o.buf)
		for i, x := range v {
			wide[i] = float64(x)
		}
	case tensor.Uint8:
		v := make([]uint8, n)
		err = d.Download(v, o.buf)
		for i, x := range v {
			wide[i] = float64(x)
		}
	default:
		v := make([]float32, n)
		err = d.Download(v, o.buf)
		for i, x := range v {
			wide[i] = float64(x)
		}
	}
	return wide, err
}

func (d *desk) clear() {
	for _, b := range d.buffers {
		d.Free(b)
	}
}

// slack is how many times the error of an average rounding, eps·√length, a result may be off: elements are sums of numbers of size 1.
const slack = 16

// allowed is how far an element of an output may be off. A bfloat16 output is rounded once, and intermediate results may be.
func (o output) allowed(want float64) float64 {
	sum := math.Sqrt(float64(o.length))
	switch o.buf.DType() {
	case tensor.Float32:
		return slack * 0x1p-24 * sum * (1 + math.Abs(want))
	case tensor.BFloat16:
		return 0x1p-8 * (sum + math.Abs(want))
	}
	return 0
}

// compare says where an output differs most from the reference's, for what it may; "" where it does not by more than rounding.
func compare(o output, got, want []float64) string {
	wrong, worst, excess := 0, 0, 0.0
	for i := range want {
		d, may := math.Abs(got[i]-want[i]), o.allowed(want[i])
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
	return fmt.Sprintf("%s: %d of %d elements are wrong; element %d is %v, not %v", o.name, wrong, len(want), worst, got[worst], want[worst])
}
