package cuda

import (
	"math"

	"dmtrain/internal/gpu"
	"dmtrain/internal/kernels"
	"dmtrain/internal/tensor"
)

// normBlocks is how many partial sums SquaredNorm makes at most, by length alone.
const normBlocks = 1024

// SquaredNorm implements kernels.Optim.
func (b *Backend) SquaredNorm(p kernels.SquaredNorm) {
	t := floating(p.X, "X")
	x, out := elements(p.X, t, p.N, "X"), elements(p.Out, tensor.Float32, 1, "Out")
	blocks := max(min(ceilDiv(p.N, 8*rowThreads*packet(t)), normBlocks), 1)
	partial := b.scratchFor(8 * normBlocks)
	b.dev.Launch(named(t, "squared_norm_f32", "squared_norm_bf16"), along(blocks), rowThreads, 0,
		address(partial), address(x), integer(p.N), vectors(0, x))
	b.dev.Launch("squared_norm_total", along(1), rowThreads, 0, address(out), address(partial), integer(blocks))
}

// AdamW implements kernels.Optim.
func (b *Backend) AdamW(p kernels.AdamW) {
	if p.Step < 1 {
		panic("kernels: AdamW's step counts from 1")
	}
	f := tensor.Float32
	param, grad := elements(p.Param, f, p.N, "Param"), elements(p.Grad, f, p.N, "Grad")
	m, v := elements(p.M, f, p.N, "M"), elements(p.V, f, p.N, "V")
	low := optional(p.Low, tensor.BFloat16, p.N, "Low")
	if p.N == 0 {
		return
	}
	k := float64(p.Step)
	step := float64(p.LR) / (1 - math.Pow(float64(p.Beta1), k))
	spread := 1 / math.Sqrt(1-math.Pow(float64(p.Beta2), k))
	b.dev.Launch("adamw", elementGrid(p.N, packet(f)), rowThreads, 0, address(param), address(grad), address(m),
		address(v), address(low),
		integer(p.N), gpu.Float(p.LR*p.Decay), gpu.Float(p.Beta1), gpu.Float(p.Beta2), gpu.Float(float32(step)),
		gpu.Float(float32(spread)),
		gpu.Float(p.Eps), gpu.Float(p.GradScale), vectors(0, param, grad, m, v, low))
}
