package cpu

import (
	"dmtrain/internal/kernels"
	"dmtrain/internal/tensor"
)

// own is the buffer behind the contract's opaque type.
func own(b kernels.Buffer) *buffer {
	buf, ok := b.(*buffer)
	if !ok || buf == nil {
		panic("kernels: buffer of another backend")
	}
	return buf
}

func elements[E any](b kernels.Buffer, t tensor.DType, n int) []E {
	buf := own(b)
	if buf.t != t {
		panic("kernels: buffer of another type")
	}
	if n < 0 || buf.n < n {
		panic("kernels: short buffer")
	}
	return cast[E](buf.base, n)
}

// f32, i32 and u8 are the first n elements of b.
func f32(b kernels.Buffer, n int) []float32 { return elements[float32](b, tensor.Float32, n) }
func i32(b kernels.Buffer, n int) []int32   { return elements[int32](b, tensor.Int32, n) }
func u8(b kernels.Buffer, n int) []uint8    { return elements[uint8](b, tensor.Uint8, n) }

// optF32 and optI32 are nil for an absent buffer.
func optF32(b kernels.Buffer, n int) []float32 {
	if b == nil {
		return nil
	}
	return f32(b, n)
}

func optI32(b kernels.Buffer, n int) []int32 {
	if b == nil {
		return nil
	}
	return i32(b, n)
}

// matrix is rows of floats, each stride after the one before.
type matrix struct {
	data   []float32
	stride int
}

func (m matrix) row(r, cols int) []float32 {
	return m.data[r*m.stride : r*m.stride+cols : r*m.stride+cols]
}

// from is the matrix from row r on.
func (m matrix) from(r int) matrix { return matrix{m.data[r*m.stride:], m.stride} }

// strided checks that s holds rows × cols elements.
func strided(s kernels.Strided, rows, cols int) matrix {
	all := f32(s.Buf, s.Buf.Len())
	if s.Offset < 0 || s.Stride < 0 || s.Offset > len(all) {
		panic("kernels: matrix out of range")
	}
	if rows > 0 && s.Offset+(rows-1)*s.Stride+cols > len(all) {
		panic("kernels: short matrix")
	}
	return matrix{all[s.Offset:], s.Stride}
}

// wholeRows is how many whole rows s has at the given width, for indices that only data decides.
func wholeRows(s kernels.Strided, cols int) int {
	room := s.Buf.Len() - s.Offset - cols
	if room < 0 {
		return 0
	}
	if s.Stride == 0 {
		return 1
	}
	return room/s.Stride + 1
}

// draw is where in the random streams a call stands.
type draw struct {
	seed        uint64
	step, first uint32
}

func readDraw(d kernels.Draw) draw {
	w := i32(d, 4)
	return draw{uint64(uint32(w[0])) | uint64(uint32(w[1]))<<32, uint32(w[2]), uint32(w[3])}
}

// pieces is how many pieces of the given size n makes.
func pieces(n, size int) int { return (n + size - 1) / size }

// span is piece i of n cut into pieces of the given size.
func span(i, size, n int) (from, to int) { return i * size, min((i+1)*size, n) }

// seeds are the words of the draw's seed.
func (d draw) seeds() (low, high uint32) { return uint32(d.seed), uint32(d.seed >> 32) }
