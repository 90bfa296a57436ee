package ref

import (
	"dmtrain/internal/kernels"
	"dmtrain/internal/tensor"
)

// floating is b, checked to hold n elements of float32 or bfloat16.
func floating(b kernels.Buffer, n int, name string) *buffer {
	x := own(b, name)
	if x.dtype != tensor.Float32 && x.dtype != tensor.BFloat16 {
		panic("kernels: " + name + " is not floating point")
	}
	if x.n < n {
		panic("kernels: short " + name)
	}
	return x
}

// typed is b, checked to hold n elements of one type.
func typed(b kernels.Buffer, t tensor.DType, n int, name string) *buffer {
	x := own(b, name)
	if x.dtype != t {
		panic("kernels: " + name + " is not " + t.String())
	}
	if x.n < n {
		panic("kernels: short " + name)
	}
	return x
}

func int32s(b kernels.Buffer, n int, name string) []int32 {
	return view[int32](typed(b, tensor.Int32, n, name))[:n]
}

func bytes(b kernels.Buffer, n int, name string) []uint8 {
	return typed(b, tensor.Uint8, n, name).data[:n]
}

// widen reads n elements.
func widen(b kernels.Buffer, n int, name string) []float64 {
	x := floating(b, n, name)
	out := make([]float64, n)
	for i := range out {
		out[i] = x.at(i)
	}
	return out
}

// widenOptional is widen, or nil for an absent buffer.
func widenOptional(b kernels.Buffer, n int, name string) []float64 {
	if b == nil {
		return nil
	}
	return widen(b, n, name)
}

// round writes v to the head of b.
func round(b kernels.Buffer, v []float64, name string) {
	x := floating(b, len(v), name)
	for i, f := range v {
		x.set(i, f)
	}
}

// checked is s's buffer, checked to hold a matrix of rows × cols elements of its layout.
func checked(s kernels.Strided, rows, cols int, name string) *buffer {
	if s.Offset < 0 || (rows > 1 && s.Stride < cols) {
		panic("kernels: " + name + " has rows that overlap")
	}
	need := 0
	if rows > 0 {
		need = s.Offset + (rows-1)*s.Stride + cols
	}
	return floating(s.Buf, need, name)
}

// gather reads a strided matrix into a dense one.
func gather(s kernels.Strided, rows, cols int, name string) []float64 {
	b := checked(s, rows, cols, name)
	out := make([]float64, rows*cols)
	for r := range rows {
		for c := range cols {
			out[r*cols+c] = b.at(s.Offset + r*s.Stride + c)
		}
	}
	return out
}

// scatter writes a dense matrix into a strided one, and nothing between its rows.
func scatter(s kernels.Strided, v []float64, rows, cols int, name string) {
	b := checked(s, rows, cols, name)
	for r := range rows {
		for c := range cols {
			b.set(s.Offset+r*s.Stride+c, v[r*cols+c])
		}
	}
}
