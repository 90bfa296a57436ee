package ref

import (
	"math"

	"dmtrain/internal/kernels"
	"dmtrain/internal/tensor"
)

// LayerNorm implements kernels.Norm.
func (r *Backend) LayerNorm(p kernels.LayerNorm) {
	n := p.Rows * p.Cols
	x, weight, bias := widen(p.X, n, "X"), widen(p.Weight, p.Cols, "Weight"), widen(p.Bias, p.Cols, "Bias")
	typed(p.Mean, tensor.Float32, p.Rows, "Mean")
	typed(p.RStd, tensor.Float32, p.Rows, "RStd")
	y, mean, rstd := make([]float64, n), make([]float64, p.Rows), make([]float64, p.Rows)
	for i := range p.Rows {
		row := x[i*p.Cols:][:p.Cols]
		mean[i], rstd[i] = moments(row, float64(p.Eps))
		layerNorm(y[i*p.Cols:], row, weight, bias, mean[i], rstd[i])
	}
	round(p.Y, y, "Y")
	round(p.Mean, mean, "Mean")
	round(p.RStd, rstd, "RStd")
}

// LayerNormBackward implements kernels.Norm.
func (r *Backend) LayerNormBackward(p kernels.LayerNormBackward) {
	n := p.Rows * p.Cols
	dy, x, weight := widen(p.DY, n, "DY"), widen(p.X, n, "X"), widen(p.Weight, p.Cols, "Weight")
	typed(p.Mean, tensor.Float32, p.Rows, "Mean")
	typed(p.RStd, tensor.Float32, p.Rows, "RStd")
	mean, rstd := widen(p.Mean, p.Rows, "Mean"), widen(p.RStd, p.Rows, "RStd")
	dweight, dbias := widen(p.DWeight, p.Cols, "DWeight"), widen(p.DBias, p.Cols, "DBias")
	dx := make([]float64, n)
	for i := range p.Rows {
		at := i * p.Cols
		layerNormBackward(dx[at:], dweight, dbias, dy[at:], x[at:][:p.Cols], weight, mean[i], rstd[i])
	}
	addAll(dx, widenOptional(p.Add, n, "Add"))
	round(p.DX, dx, "DX")
	round(p.DWeight, dweight, "DWeight")
	round(p.DBias, dbias, "DBias")
}

// moments are a row's mean and 1/√(variance + eps), with the biased variance.
func moments(x []float64, eps float64) (mean, rstd float64) {
	n := float64(len(x))
	for _, v := range x {
		mean += v / n
	}
	variance := 0.0
	for _, v := range x {
		variance += (v - mean) * (v - mean) / n
	}
	return mean, 1 / math.Sqrt(variance+eps)
}

// layerNorm is one row: y = (x − mean)·rstd·weight + bias.
func layerNorm(y, x, weight, bias []float64, mean, rstd float64) {
	for c, v := range x {
		y[c] = (v-mean)*rstd*weight[c] + bias[c]
	}
}

// layerNormBackward is one row's gradient. With x̂ = (x − mean)·rstd and g = dy·weight,
//
//	dx = rstd·(g − mean(g) − x̂·mean(g·x̂)),  dweight += dy·x̂,  dbias += dy
func layerNormBackward(dx, dweight, dbias, dy, x, weight []float64, mean, rstd float64) {
	n := float64(len(x))
	var meanG, meanGX float64
	for c, v := range x {
		xhat, g := (v-mean)*rstd, dy[c]*weight[c]
		meanG += g / n
		meanGX += g * xhat / n
		dweight[c] += dy[c] * xhat
		dbias[c] += dy[c]
	}
	for c, v := range x {
		dx[c] = rstd * (dy[c]*weight[c] - meanG - (v-mean)*rstd*meanGX)
	}
}
