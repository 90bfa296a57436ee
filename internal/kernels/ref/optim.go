package ref

import (
	"math"

	"dmtrain/internal/kernels"
	"dmtrain/internal/tensor"
)

// SquaredNorm implements kernels.Optim.
func (r *Backend) SquaredNorm(p kernels.SquaredNorm) {
	typed(p.Out, tensor.Float32, 1, "Out")
	x := widen(p.X, p.N, "X")
	round(p.Out, []float64{dot(x, x)}, "Out")
}

// AdamW implements kernels.Optim.
func (r *Backend) AdamW(p kernels.AdamW) {
	if p.Step < 1 {
		panic("kernels: AdamW's step counts from 1")
	}
	for _, b := range []struct {
		buf  kernels.Buffer
		name string
	}{{p.Param, "Param"}, {p.Grad, "Grad"}, {p.M, "M"}, {p.V, "V"}} {
		typed(b.buf, tensor.Float32, p.N, b.name)
	}
	if p.Low != nil {
		typed(p.Low, tensor.BFloat16, p.N, "Low")
	}
	param, grad := widen(p.Param, p.N, "Param"), widen(p.Grad, p.N, "Grad")
	m, v := widen(p.M, p.N, "M"), widen(p.V, p.N, "V")
	for i := range param {
		param[i], m[i], v[i] = adamW(param[i], grad[i], m[i], v[i], p)
	}
	round(p.Param, param, "Param")
	round(p.M, m, "M")
	round(p.V, v, "V")
	if p.Low != nil {
		round(p.Low, param, "Low")
	}
}

// adamW is one parameter's step.
func adamW(param, grad, m, v float64, p kernels.AdamW) (float64, float64, float64) {
	lr, beta1, beta2 := float64(p.LR), float64(p.Beta1), float64(p.Beta2)
	k := float64(p.Step)
	g := float64(p.GradScale) * grad
	param -= lr * float64(p.Decay) * param
	m = beta1*m + (1-beta1)*g
	v = beta2*v + (1-beta2)*g*g
	param -= lr / (1 - math.Pow(beta1, k)) * m / (math.Sqrt(v/(1-math.Pow(beta2, k))) + float64(p.Eps))
	return param, m, v
}
