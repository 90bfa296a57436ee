package cuda

import (
	"errors"
	"fmt"
	"math"
	"unsafe"

	"dmtrain/internal/gpu"
	"dmtrain/internal/kernels"
	"dmtrain/internal/tensor"
)

// buffer is n elements of device memory.
type buffer struct {
	dtype tensor.DType
	n     int
	at    gpu.Ptr
	whole bool // made by Alloc, not by Slice
}

func (b *buffer) DType() tensor.DType { return b.dtype }
func (b *buffer) Len() int            { return b.n }
func (b *buffer) bytes() int          { return b.n * b.dtype.Size() }

// own is the buffer behind the contract's opaque type.
func own(b kernels.Buffer) *buffer {
	x, ok := b.(*buffer)
	if !ok || x == nil {
		panic("kernels: buffer is nil or of another backend")
	}
	return x
}

// Alloc implements kernels.Memory.
func (b *Backend) Alloc(t tensor.DType, n int) (kernels.Buffer, error) {
	if n < 0 {
		panic("kernels: negative length")
	}
	if n > math.MaxInt/t.Size() {
		return nil, fmt.Errorf("cuda: cannot allocate %d elements of %v", n, t)
	}
	x := &buffer{dtype: t, n: n, whole: true}
	at, err := b.dev.Alloc(int64(max(x.bytes(), 1)))
	if err != nil {
		return nil, roomFor(err)
	}
	x.at = at
	b.dev.Set(at, 0, x.bytes())
	return x, nil
}

// roomFor adds to an OutOfMemory what makes a model need less.
func roomFor(err error) error {
	var oom *gpu.OutOfMemory
	if errors.As(err, &oom) {
		return fmt.Errorf("cuda: %w; lower train.micro_batch (it leaves the step as it is), train.batch_size, "+
			"data.seq_len or the model's size", err)
	}
	return err
}

// Free implements kernels.Memory.
func (b *Backend) Free(x kernels.Buffer) {
	buf := own(x)
	if !buf.whole {
		panic("kernels: freed a slice")
	}
	b.dev.Free(buf.at)
	*buf = buffer{dtype: buf.dtype}
}

// Slice implements kernels.Memory.
func (b *Backend) Slice(x kernels.Buffer, t tensor.DType, offset, n int) kernels.Buffer {
	base := own(x)
	if offset < 0 || offset%t.Size() != 0 {
		panic("kernels: misaligned slice")
	}
	if n < 0 || offset > base.bytes() || n > (base.bytes()-offset)/t.Size() {
		panic("kernels: slice out of range")
	}
	s := &buffer{dtype: t, n: n, at: base.at + gpu.Ptr(offset)}
	b.dev.View(s.at, s.bytes())
	return s
}

// Upload implements kernels.Memory.
func (b *Backend) Upload(dst kernels.Buffer, src any) {
	d := own(dst)
	switch s := src.(type) {
	case []float32:
		if d.dtype == tensor.BFloat16 {
			checkLen(d, len(s))
			w := b.narrowed(s)
			b.dev.Write(d.at, unsafe.Pointer(unsafe.SliceData(w)), d.bytes())
			return
		}
		upload(b, d, tensor.Float32, s)
	case []int32:
		upload(b, d, tensor.Int32, s)
	case []uint8:
		upload(b, d, tensor.Uint8, s)
	default:
		panic("kernels: upload of another type")
	}
}

func upload[E any](b *Backend, d *buffer, t tensor.DType, s []E) {
	checkType(d, t)
	checkLen(d, len(s))
	b.dev.Write(d.at, unsafe.Pointer(unsafe.SliceData(s)), d.bytes())
}

// Download implements kernels.Memory.
func (b *Backend) Download(dst any, src kernels.Buffer) error {
	s := own(src)
	switch d := dst.(type) {
	case []float32:
		if s.dtype == tensor.BFloat16 {
			return b.downloadWidened(d, s)
		}
		return download(b, d, tensor.Float32, s)
	case []int32:
		return download(b, d, tensor.Int32, s)
	case []uint8:
		return download(b, d, tensor.Uint8, s)
	default:
		panic("kernels: download of another type")
	}
}

func download[E any](b *Backend, d []E, t tensor.DType, s *buffer) error {
	checkType(s, t)
	checkLen(s, len(d))
	if err := b.Sync(); err != nil {
		return err
	}
	return b.dev.Read(unsafe.Pointer(unsafe.SliceData(d)), s.at, s.bytes())
}

func (b *Backend) downloadWidened(d []float32, s *buffer) error {
	checkLen(s, len(d))
	if err := b.Sync(); err != nil {
		return err
	}
	w := b.room(len(d))
	if err := b.dev.Read(unsafe.Pointer(unsafe.SliceData(w)), s.at, s.bytes()); err != nil {
		return err
	}
	for i, v := range w {
		d[i] = math.Float32frombits(uint32(v) << 16)
	}
	return nil
}

// Copy implements kernels.Memory.
func (b *Backend) Copy(dst, src kernels.Buffer) {
	d, s := own(dst), own(src)
	checkType(d, s.dtype)
	checkLen(d, s.n)
	b.dev.Copy(d.at, s.at, d.bytes())
}

// Zero implements kernels.Memory.
func (b *Backend) Zero(x kernels.Buffer) {
	buf := own(x)
	b.dev.Set(buf.at, 0, buf.bytes())
}

func checkType(b *buffer, t tensor.DType) {
	if b.dtype != t {
		panic("kernels: copy of another type")
	}
}

func checkLen(b *buffer, n int) {
	if b.n != n {
		panic("kernels: copy of another length")
	}
}

// room is n bfloat16 on the host, until the next call.
func (b *Backend) room(n int) []uint16 {
	if cap(b.widths) < n {
		b.widths = make([]uint16, n)
	}
	return b.widths[:n]
}

// narrowed is s rounded to nearest, ties to even: half a unit less one, plus the last kept bit, carries exactly then.
func (b *Backend) narrowed(s []float32) []uint16 {
	w := b.room(len(s))
	for i, v := range s {
		bits := math.Float32bits(v)
		if v != v {
			w[i] = uint16(bits>>16) | 0x40 // a NaN stays one when its low bits go
			continue
		}
		w[i] = uint16((bits + 0x7fff + bits>>16&1) >> 16)
	}
	return w
}
