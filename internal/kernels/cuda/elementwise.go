package cuda

import (
	"dmtrain/internal/gpu"
	"dmtrain/internal/kernels"
	"dmtrain/internal/tensor"
)

// rowThreads is the block of every kernel that walks over rows or elements (THREADS in their sources); a warp takes
// a row.
const (
	rowThreads   = 256
	rowsPerBlock = rowThreads / 32
	mostBlocks   = 4096 // of kernels that stride over elements
)

// elementGrid covers n packets.
func elementGrid(n, perThread int) gpu.Dim {
	return along(min(ceilDiv(n, rowThreads*perThread), mostBlocks))
}

func packet(t tensor.DType) int { return vector / t.Size() }

// Add implements kernels.Elementwise.
func (b *Backend) Add(p kernels.Add) {
	t := floating(p.Y, "Y")
	y, x, z := elements(p.Y, t, p.N, "Y"), elements(p.A, t, p.N, "A"), elements(p.B, t, p.N, "B")
	if p.N > 0 {
		b.dev.Launch(named(t, "add_f32", "add_bf16"), elementGrid(p.N, packet(t)), rowThreads, 0,
			address(y), address(x), address(z), integer(p.N), vectors(0, y, x, z))
	}
}

// Scale implements kernels.Elementwise.
func (b *Backend) Scale(p kernels.Scale) {
	t := floating(p.Y, "Y")
	y, x := elements(p.Y, t, p.N, "Y"), elements(p.X, t, p.N, "X")
	if p.N > 0 {
		b.dev.Launch(named(t, "scale_f32", "scale_bf16"), elementGrid(p.N, packet(t)), rowThreads, 0,
			address(y), address(x), integer(p.N), gpu.Float(p.Factor), vectors(0, y, x))
	}
}

// gelu sets y = gelu(x), n elements of a type.
func (b *Backend) gelu(t tensor.DType, y, x gpu.Ptr, n int) {
	b.dev.Launch(named(t, "gelu_f32", "gelu_bf16"), elementGrid(n, packet(t)), rowThreads, 0,
		address(y), address(x), integer(n), vectors(0, y, x))
}

// GeluBackward implements kernels.Elementwise.
func (b *Backend) GeluBackward(p kernels.GeluBackward) {
	t := floating(p.DX, "DX")
	dx, dy, x := elements(p.DX, t, p.N, "DX"), elements(p.DY, t, p.N, "DY"), elements(p.X, t, p.N, "X")
	if p.N > 0 {
		b.dev.Launch(named(t, "gelu_backward_f32", "gelu_backward_bf16"), elementGrid(p.N, packet(t)), rowThreads, 0,
			address(dx), address(dy), address(x), integer(p.N), vectors(0, dx, dy, x))
	}
}

// Dropout implements kernels.Elementwise. At rate 0 it copies.
func (b *Backend) Dropout(p kernels.Dropout) {
	t, n := floating(p.Y, "Y"), p.Rows*p.Cols
	y, x := elements(p.Y, t, n, "Y"), elements(p.X, t, n, "X")
	if n == 0 {
		return
	}
	if p.Rate == 0 {
		if y != x {
			b.dev.Copy(y, x, n*t.Size())
		}
		return
	}
	b.dev.Launch(named(t, "dropout_f32", "dropout_bf16"), elementGrid(p.Rows*ceilDiv(p.Cols, 4), 1), rowThreads, 0,
		address(y), address(x), address(draws(p.Draw)), uint64(p.Purpose), gpu.Float(p.Rate), integer(p.Rows),
		integer(p.Cols), integer(p.Lines))
}
