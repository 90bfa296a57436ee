package cuda

import (
	"dmtrain/internal/gpu"
	"dmtrain/internal/kernels"
	"dmtrain/internal/tensor"
)

// LayerNorm implements kernels.Norm.
func (b *Backend) LayerNorm(p kernels.LayerNorm) {
	t, n := floating(p.Y, "Y"), p.Rows*p.Cols
	y, x := elements(p.Y, t, n, "Y"), elements(p.X, t, n, "X")
	weight, bias := elements(p.Weight, t, p.Cols, "Weight"), elements(p.Bias, t, p.Cols, "Bias")
	mean, rstd := elements(p.Mean, tensor.Float32, p.Rows, "Mean"), elements(p.RStd, tensor.Float32, p.Rows, "RStd")
	if n > 0 {
		b.dev.Launch(named(t, "layernorm_f32", "layernorm_bf16"), rowGrid(p.Rows), rowThreads, 0, address(y),
			address(x), address(weight), address(bias),
			address(mean), address(rstd), integer(p.Rows), integer(p.Cols), gpu.Float(p.Eps),
			vectors(p.Cols*t.Size(), y, x, weight, bias))
	}
}

// LayerNormBackward implements kernels.Norm. Parameters come first: DX may be DY's or X's own memory in no case,
// but Add's.
func (b *Backend) LayerNormBackward(p kernels.LayerNormBackward) {
	t, n := floating(p.DX, "DX"), p.Rows*p.Cols
	dx, dy, x := elements(p.DX, t, n, "DX"), elements(p.DY, t, n, "DY"), elements(p.X, t, n, "X")
	weight, add := elements(p.Weight, t, p.Cols, "Weight"), optional(p.Add, t, n, "Add")
	dweight, dbias := elements(p.DWeight, tensor.Float32, p.Cols, "DWeight"),
		elements(p.DBias, tensor.Float32, p.Cols, "DBias")
	mean, rstd := elements(p.Mean, tensor.Float32, p.Rows, "Mean"), elements(p.RStd, tensor.Float32, p.Rows, "RStd")
	if n == 0 {
		return
	}
	sums := b.columnSums(p.Rows, p.Cols, 2)
	b.dev.Launch(named(t, "layernorm_parameters_f32", "layernorm_parameters_bf16"), sums.grid(), columnThreads, 0,
		address(sums.partial), address(dy), address(x), address(mean), address(rstd), integer(p.Rows), integer(p.Cols))
	sums.addTo(dweight, 0)
	sums.addTo(dbias, 1)
	b.dev.Launch(named(t, "layernorm_backward_f32", "layernorm_backward_bf16"), rowGrid(p.Rows), rowThreads, 0,
		address(dx), address(dy), address(x), address(weight), address(mean), address(rstd), address(add),
		integer(p.Rows), integer(p.Cols), vectors(p.Cols*t.Size(), dx, dy, x, weight, add))
}
