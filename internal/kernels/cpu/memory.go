package cpu

import (
	"fmt"
	"math"
	"sync"
	"unsafe"

	"dmtrain/internal/kernels"
	"dmtrain/internal/tensor"
)

const (
	alignment = 256     // of every allocation, in bytes
	hugePage  = 2 << 20 // the size of a large page on most machines
)

// memory owns buffers and the first fault since the last Sync.
type memory struct {
	mu    sync.Mutex
	fault error
}

// buffer views n elements of type t from ptr on. Its base keeps the allocation alive.
type buffer struct {
	t    tensor.DType
	n    int
	base []byte // from ptr to the end of the view; nil after Free
}

func (b *buffer) DType() tensor.DType { return b.t }
func (b *buffer) Len() int            { return b.n }

// alignedBytes returns zeroed memory; where it is large, on large pages.
func alignedBytes(n int) []byte {
	align := alignment
	if n >= 2*hugePage {
		align = hugePage
	}
	raw := make([]byte, n+align)
	skip := int(-uintptr(unsafe.Pointer(unsafe.SliceData(raw))) % uintptr(align))
	part := raw[skip : skip+n : skip+n]
	if align == hugePage {
		preferHugePages(part[:n/hugePage*hugePage])
	}
	return part
}

func alignedFloats(n int) []float32 {
	return cast[float32](alignedBytes(4*n), n)
}

func cast[E any](raw []byte, n int) []E {
	return unsafe.Slice((*E)(unsafe.Pointer(unsafe.SliceData(raw))), n)
}

// Alloc returns zeroed memory. A request beyond what the machine has free is an error, not a crash.
func (m *memory) Alloc(t tensor.DType, n int) (kernels.Buffer, error) {
	const slack = 2 * hugePage
	if n < 0 || n > (math.MaxInt-slack)/t.Size() {
		return nil, fmt.Errorf("cpu: cannot allocate %d elements of %v", n, t)
	}
	size := n * t.Size()
	if free, known := available(); known && uint64(size) > free {
		return nil, fmt.Errorf("cpu: out of memory: %d MiB asked, %d MiB free", size>>20, free>>20)
	}
	return &buffer{t: t, n: n, base: alignedBytes(size)}, nil
}

// Free lets go of b's memory; its slices keep theirs until they are dropped as well.
func (m *memory) Free(b kernels.Buffer) {
	buf := own(b)
	buf.base, buf.n = nil, 0
}

// Slice views n elements of type t at a byte offset of b.
func (m *memory) Slice(b kernels.Buffer, t tensor.DType, offset, n int) kernels.Buffer {
	base := own(b).base
	if offset < 0 || offset%t.Size() != 0 {
		panic("kernels: misaligned slice")
	}
	if n < 0 || offset > len(base) || n > (len(base)-offset)/t.Size() {
		panic("kernels: slice out of range")
	}
	end := offset + n*t.Size()
	return &buffer{t: t, n: n, base: base[offset:end:end]}
}

// Upload copies a Go slice into dst.
func (m *memory) Upload(dst kernels.Buffer, src any) {
	b := own(dst)
	switch s := src.(type) {
	case []float32:
		if len(s) != b.n {
			panic("kernels: upload of another length")
		}
		switch b.t {
		case tensor.Float32:
			copy(cast[float32](b.base, b.n), s)
		case tensor.BFloat16:
			roundBFloat16(cast[uint16](b.base, b.n), s)
		default:
			panic("kernels: upload of another type")
		}
	case []int32:
		upload(b, tensor.Int32, s)
	case []uint8:
		upload(b, tensor.Uint8, s)
	default:
		panic("kernels: upload of another type")
	}
}

func upload[E any](b *buffer, t tensor.DType, s []E) {
	checkSame(b, t, len(s))
	copy(cast[E](b.base, b.n), s)
}

// Download copies src into a Go slice and reports the first fault so far.
func (m *memory) Download(dst any, src kernels.Buffer) error {
	b := own(src)
	switch d := dst.(type) {
	case []float32:
		if b.t == tensor.BFloat16 {
			checkSame(b, tensor.BFloat16, len(d))
			widenBFloat16(d, cast[uint16](b.base, b.n))
		} else {
			download(d, tensor.Float32, b)
		}
	case []int32:
		download(d, tensor.Int32, b)
	case []uint8:
		download(d, tensor.Uint8, b)
	default:
		panic("kernels: download of another type")
	}
	return m.Sync()
}

func download[E any](d []E, t tensor.DType, b *buffer) {
	checkSame(b, t, len(d))
	copy(d, cast[E](b.base, b.n))
}

func checkSame(b *buffer, t tensor.DType, n int) {
	if b.t != t {
		panic("kernels: copy of another type")
	}
	if b.n != n {
		panic("kernels: copy of another length")
	}
}

// Copy copies src to dst.
func (m *memory) Copy(dst, src kernels.Buffer) {
	d, s := own(dst), own(src)
	checkSame(d, s.t, s.n)
	copy(d.base, s.base)
}

// Zero fills b with zero bytes.
func (m *memory) Zero(b kernels.Buffer) { clear(own(b).base) }

// Sync returns the first fault since the last Sync.
func (m *memory) Sync() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	err := m.fault
	m.fault = nil
	return err
}

// report keeps the first fault; later ones are consequences.
func (m *memory) report(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fault == nil {
		m.fault = err
	}
}

// roundBFloat16 rounds to nearest, ties to even; a NaN stays a NaN.
func roundBFloat16(dst []uint16, src []float32) {
	for i, x := range src {
		bits := math.Float32bits(x)
		if x != x {
			dst[i] = uint16(bits>>16) | 0x40
			continue
		}
		dst[i] = uint16((bits + 0x7fff + bits>>16&1) >> 16)
	}
}

func widenBFloat16(dst []float32, src []uint16) {
	for i, x := range src {
		dst[i] = math.Float32frombits(uint32(x) << 16)
	}
}
