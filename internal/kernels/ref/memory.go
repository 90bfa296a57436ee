package ref

import (
	"fmt"
	"math"
	"unsafe"

	"dmtrain/internal/kernels"
	"dmtrain/internal/tensor"
)

const (
	alignment = 256
	// room bounds all allocations together. The reference serves small shapes; a mistaken one is refused here rather
	// than by the operating system's killer.
	room = 4 << 30
)

// buffer is n elements in a run of bytes, aligned to its element size at least.
type buffer struct {
	dtype tensor.DType
	n     int
	data  []byte
	arena bool // made by Alloc, not by Slice
}

func (b *buffer) DType() tensor.DType { return b.dtype }
func (b *buffer) Len() int            { return b.n }

// Alloc implements kernels.Memory.
func (r *Backend) Alloc(t tensor.DType, n int) (kernels.Buffer, error) {
	if n < 0 {
		panic("kernels: negative length")
	}
	if n > (room-r.used)/t.Size() {
		return nil, fmt.Errorf("ref: no room for %d elements of %v: %d of %d bytes are free", n, t, room-r.used, room)
	}
	size := n * t.Size()
	r.used += size
	data := make([]byte, size+alignment)
	skip := -uintptr(unsafe.Pointer(unsafe.SliceData(data))) % alignment
	return &buffer{dtype: t, n: n, data: data[skip:][:size:size], arena: true}, nil
}

// Free implements kernels.Memory.
func (r *Backend) Free(b kernels.Buffer) {
	x := own(b, "buffer")
	if !x.arena {
		panic("kernels: freed a slice")
	}
	r.used -= len(x.data)
	*x = buffer{dtype: x.dtype}
}

// Slice implements kernels.Memory.
func (r *Backend) Slice(b kernels.Buffer, t tensor.DType, offset, n int) kernels.Buffer {
	x, size := own(b, "buffer"), n*t.Size()
	if offset < 0 || n < 0 || offset%t.Size() != 0 || offset+size > len(x.data) {
		panic("kernels: slice out of range or misaligned")
	}
	return &buffer{dtype: t, n: n, data: x.data[offset:][:size:size]}
}

// Upload implements kernels.Memory.
func (r *Backend) Upload(dst kernels.Buffer, src any) {
	b := own(dst, "dst")
	switch s := src.(type) {
	case []float32:
		upload(b, len(s), tensor.Float32, tensor.BFloat16)
		for i, v := range s {
			b.set(i, float64(v))
		}
	case []int32:
		upload(b, len(s), tensor.Int32, tensor.Int32)
		copy(view[int32](b), s)
	case []uint8:
		upload(b, len(s), tensor.Uint8, tensor.Uint8)
		copy(b.data, s)
	default:
		panic("kernels: host slice is not []float32, []int32 or []uint8")
	}
}

// Download implements kernels.Memory.
func (r *Backend) Download(dst any, src kernels.Buffer) error {
	b := own(src, "src")
	switch d := dst.(type) {
	case []float32:
		upload(b, len(d), tensor.Float32, tensor.BFloat16)
		for i := range d {
			d[i] = float32(b.at(i))
		}
	case []int32:
		upload(b, len(d), tensor.Int32, tensor.Int32)
		copy(d, view[int32](b))
	case []uint8:
		upload(b, len(d), tensor.Uint8, tensor.Uint8)
		copy(d, b.data)
	default:
		panic("kernels: host slice is not []float32, []int32 or []uint8")
	}
	return r.Sync()
}

// upload checks that a host slice of n elements fits b, whose type is one of two.
func upload(b *buffer, n int, one, other tensor.DType) {
	if b.n != n {
		panic("kernels: host slice and buffer differ in length")
	}
	if b.dtype != one && b.dtype != other {
		panic("kernels: host slice and buffer differ in type")
	}
}

// Copy implements kernels.Memory.
func (r *Backend) Copy(dst, src kernels.Buffer) {
	d, s := own(dst, "dst"), own(src, "src")
	if d.n != s.n || d.dtype != s.dtype {
		panic("kernels: copy between different lengths or types")
	}
	copy(d.data, s.data)
}

// Zero implements kernels.Memory.
func (r *Backend) Zero(b kernels.Buffer) { clear(own(b, "buffer").data) }

// own is b as this package's buffer; name is the argument's, for the panic.
func own(b kernels.Buffer, name string) *buffer {
	x, ok := b.(*buffer)
	if !ok {
		panic("kernels: " + name + " is nil or of another backend")
	}
	return x
}

// view is a buffer's elements in place.
func view[T float32 | int32 | uint16](b *buffer) []T {
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(b.data))), b.n)
}

func (b *buffer) at(i int) float64 {
	if b.dtype == tensor.BFloat16 {
		return float64(math.Float32frombits(uint32(view[uint16](b)[i]) << 16))
	}
	return float64(view[float32](b)[i])
}

func (b *buffer) set(i int, v float64) {
	if b.dtype == tensor.BFloat16 {
		view[uint16](b)[i] = bfloat16(float32(v))
		return
	}
	view[float32](b)[i] = float32(v)
}

// bfloat16 rounds to nearest, ties to even: half a unit less one, plus the last kept bit, carries exactly then.
func bfloat16(v float32) uint16 {
	bits := math.Float32bits(v)
	if v != v {
		return uint16(bits>>16) | 0x40 // a NaN stays one when its low bits go
	}
	return uint16((bits + 0x7fff + bits>>16&1) >> 16)
}
