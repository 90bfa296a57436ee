package cpu

import (
	"math"

	"dmtrain/internal/kernels"
	"dmtrain/internal/tensor"
)

// SquaredNorm sums squares: partial sums by chunks, in float64.
func (b *Backend) SquaredNorm(a kernels.SquaredNorm) {
	out := f32(a.Out, 1)
	chunks := pieces(a.N, chunk)
	if cap(b.partial64) < chunks {
		b.partial64 = make([]float64, chunks)
	}
	partial := b.partial64[:chunks]
	launch(b, &b.tasks.squaredNorm, squaredNormTask{prim: &b.prim, x: f32(a.X, a.N), partial: partial}, chunks)
	var sum float64
	for _, p := range partial {
		sum += p
	}
	out[0] = float32(sum)
}

type squaredNormTask struct {
	prim    *primitives
	x       []float32
	partial []float64
}

func (t *squaredNormTask) run(_ *worker, item int) {
	i0, i1 := span(item, chunk, len(t.x))
	t.partial[item] = t.prim.sumSquares(t.x[i0:i1])
}

// AdamW updates parameters.
func (b *Backend) AdamW(a kernels.AdamW) {
	t := adamWTask{
		prim: &b.prim, param: f32(a.Param, a.N), grad: f32(a.Grad, a.N), m: f32(a.M, a.N), v: f32(a.V, a.N),
		beta1: a.Beta1, beta2: a.Beta2, eps: a.Eps, gradScale: a.GradScale,
		keep: 1 - a.LR*a.Decay,
		rate: float32(float64(a.LR) / (1 - math.Pow(float64(a.Beta1), float64(a.Step)))),
		root: float32(1 / math.Sqrt(1-math.Pow(float64(a.Beta2), float64(a.Step)))),
	}
	if a.Low != nil {
		t.low = elements[uint16](a.Low, tensor.BFloat16, a.N)
	}
	launch(b, &b.tasks.adamW, t, pieces(a.N, chunk))
}

type adamWTask struct {
	prim                         *primitives
	param, grad, m, v            []float32
	low                          []uint16
	beta1, beta2, eps, gradScale float32
	keep                         float32 // 1 − LR·Decay
	rate                         float32 // LR/(1 − β₁ᵏ)
	root                         float32 // 1/√(1 − β₂ᵏ)
}

func (t *adamWTask) run(_ *worker, item int) {
	i0, i1 := span(item, chunk, len(t.param))
	t.prim.adamW(t.param[i0:i1], t.grad[i0:i1], t.m[i0:i1], t.v[i0:i1],
		t.gradScale, t.beta1, 1-t.beta1, t.beta2, 1-t.beta2, t.keep, t.rate, t.root, t.eps)
	if t.low != nil {
		roundBFloat16(t.low[i0:i1], t.param[i0:i1])
	}
}
