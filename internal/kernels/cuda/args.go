package cuda

import (
	"dmtrain/internal/gpu"
	"dmtrain/internal/kernels"
	"dmtrain/internal/tensor"
)

// vector is what addresses and row lengths must be multiples of for 16-byte accesses.
const vector = 16

// elements is where the first n elements of b are, checked.
func elements(b kernels.Buffer, t tensor.DType, n int, name string) gpu.Ptr {
	x := own(b)
	if x.dtype != t {
		panic("kernels: " + name + " is of another type")
	}
	if x.n < n {
		panic("kernels: short " + name)
	}
	return x.at
}

// optional is elements, or 0 for an absent buffer.
func optional(b kernels.Buffer, t tensor.DType, n int, name string) gpu.Ptr {
	if b == nil {
		return 0
	}
	return elements(b, t, n, name)
}

// floating is the type of b, which must be float32 or bfloat16.
func floating(b kernels.Buffer, name string) tensor.DType {
	t := own(b).dtype
	if t != tensor.Float32 && t != tensor.BFloat16 {
		panic("kernels: " + name + " is not floating point")
	}
	return t
}

// named picks the kernel for a type of activations.
func named(t tensor.DType, f32, bf16 string) string {
	if t == tensor.BFloat16 {
		return bf16
	}
	return f32
}

// matrix is rows of a row-major matrix on the device.
type matrix struct {
	at     gpu.Ptr
	stride int // elements
}

// strided checks that s holds rows × cols elements.
func strided(s kernels.Strided, t tensor.DType, rows, cols int, name string) matrix {
	x := own(s.Buf)
	if x.dtype != t {
		panic("kernels: " + name + " is of another type")
	}
	if s.Offset < 0 || s.Stride < 0 || (rows > 1 && s.Stride < cols) {
		panic("kernels: " + name + " has rows that overlap")
	}
	if rows > 0 && s.Offset+(rows-1)*s.Stride+cols > x.n {
		panic("kernels: short " + name)
	}
	return matrix{x.at + gpu.Ptr(s.Offset*t.Size()), s.Stride}
}

// wholeRows is how many whole rows s has at the given width, for indices that only data decides.
func wholeRows(s kernels.Strided, cols int) int {
	room := own(s.Buf).n - s.Offset - cols
	switch {
	case room < 0:
		return 0
	case s.Stride == 0:
		return 1
	}
	return room/s.Stride + 1
}

// vectors tells a kernel, as 1 or 0, whether addresses and the bytes of a row allow accesses of 16 bytes.
func vectors(row int, at ...gpu.Ptr) uint64 {
	if row%vector != 0 {
		return 0
	}
	for _, p := range at {
		if p%vector != 0 {
			return 0
		}
	}
	return 1
}

// integer and address are kernel arguments.
func integer(n int) uint64         { return uint64(int64(n)) }
func address(p gpu.Ptr) uint64     { return uint64(p) }
func ceilDiv(n, size int) int      { return (n + size - 1) / size }
func along(blocks int) gpu.Dim     { return gpu.Dim{X: blocks, Y: 1, Z: 1} }
func draws(d kernels.Draw) gpu.Ptr { return elements(d, tensor.Int32, 4, "Draw") }
