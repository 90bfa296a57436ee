package cuda

import (
	"dmtrain/internal/gpu"
	"dmtrain/internal/kernels"
	"dmtrain/internal/tensor"
)

const (
	matMulTile        = 64 // rows and columns of C to a block (BLOCK in linear.cu)
	matMulF32Threads  = 256
	matMulBF16Threads = 128
)

// MatMul implements kernels.Linear. A and B have one type; C, Add and Gelu have theirs or are float32.
func (b *Backend) MatMul(p kernels.MatMul) {
	t, ct := floating(p.A, "A"), floating(p.C, "C")
	if ct != t && ct != tensor.Float32 {
		panic("kernels: C is of another type than A")
	}
	c, x, y := elements(p.C, ct, p.M*p.N, "C"), elements(p.A, t, p.M*p.K, "A"), elements(p.B, t, p.K*p.N, "B")
	bias, add := optional(p.Bias, t, p.N, "Bias"), optional(p.Add, ct, p.M*p.N, "Add")
	gelu := optional(p.Gelu, ct, p.M*p.N, "Gelu")
	if p.M == 0 || p.N == 0 {
		return
	}
	if b.blas != nil && p.K > 0 && (bias == 0 || ct == t) {
		b.blas.MatMul(gpu.MatMul{
			A: x, B: y, C: c, Add: add, Bias: bias, M: p.M, N: p.N, K: p.K, TransA: p.TransA, TransB: p.TransB,
			BF16: t == tensor.BFloat16, BF16C: ct == tensor.BFloat16,
		})
	} else {
		b.matMul(p, t, ct, c, x, y, bias, add)
	}
	if gelu != 0 {
		b.gelu(ct, gelu, c, p.M*p.N)
	}
}

// matMul is the project's own product. The kernel is chosen by types and transposes only.
func (b *Backend) matMul(p kernels.MatMul, t, ct tensor.DType, c, x, y, bias, add gpu.Ptr) {
	layout := 0
	if p.TransA {
		layout += 2
	}
	if p.TransB {
		layout++
	}
	name, threads := matMulNames[0][layout], matMulF32Threads
	if t == tensor.BFloat16 {
		name, threads = matMulNames[1][layout], matMulBF16Threads
		if ct == tensor.Float32 {
			name = matMulNames[2][layout]
		}
	}
	innerA, innerB := p.K, p.N
	if p.TransA {
		innerA = p.M
	}
	if p.TransB {
		innerB = p.K
	}
	v := vectors(innerA*t.Size(), x) & vectors(innerB*t.Size(), y)
	b.dev.Launch(name, gpu.Dim{X: ceilDiv(p.N, matMulTile), Y: ceilDiv(p.M, matMulTile), Z: 1}, threads, 0,
		address(c), address(x), address(y), integer(p.M), integer(p.N), integer(p.K), address(bias), address(add), v)
}

// By types and layout.
var matMulNames = [3][4]string{
	{"matmul_f32_nn", "matmul_f32_nt", "matmul_f32_tn", "matmul_f32_tt"},
	{"matmul_bf16_nn", "matmul_bf16_nt", "matmul_bf16_tn", "matmul_bf16_tt"},
	{"matmul_bf16_to_f32_nn", "matmul_bf16_to_f32_nt", "matmul_bf16_to_f32_tn", "matmul_bf16_to_f32_tt"},
}

// BiasGrad implements kernels.Linear.
func (b *Backend) BiasGrad(p kernels.BiasGrad) {
	t := floating(p.DY, "DY")
	dy, dbias := elements(p.DY, t, p.Rows*p.Cols, "DY"), elements(p.DBias, tensor.Float32, p.Cols, "DBias")
	if p.Rows == 0 || p.Cols == 0 {
		return
	}
	sums := b.columnSums(p.Rows, p.Cols, 1)
	b.dev.Launch(named(t, "bias_grad_f32", "bias_grad_bf16"), sums.grid(), columnThreads, 0,
		address(sums.partial), address(dy), integer(p.Rows), integer(p.Cols))
	sums.addTo(dbias, 0)
}
