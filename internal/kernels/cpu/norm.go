package cpu

import (
	"math"

	"dmtrain/internal/kernels"
)

// LayerNorm normalises rows.
func (b *Backend) LayerNorm(a kernels.LayerNorm) {
	n := a.Rows * a.Cols
	t := layerNormTask{
		y: f32(a.Y, n), x: f32(a.X, n), weight: f32(a.Weight, a.Cols), bias: f32(a.Bias, a.Cols),
		mean: f32(a.Mean, a.Rows), rstd: f32(a.RStd, a.Rows), eps: a.Eps, cols: a.Cols,
	}
	launch(b, &b.tasks.layerNorm, t, pieces(a.Rows, rowsPerItem(a.Cols)))
}

type layerNormTask struct {
	y, x, weight, bias, mean, rstd []float32
	eps                            float32
	cols                           int
}

func (t *layerNormTask) run(_ *worker, item int) {
	i0, i1 := span(item, rowsPerItem(t.cols), len(t.mean))
	for i := i0; i < i1; i++ {
		x, y := t.x[i*t.cols:(i+1)*t.cols], t.y[i*t.cols:(i+1)*t.cols]
		mean, rstd := moments(x, t.eps)
		t.mean[i], t.rstd[i] = mean, rstd
		weight, bias := t.weight[:len(y)], t.bias[:len(y)]
		for j := range y {
			y[j] = (x[j]-mean)*rstd*weight[j] + bias[j]
		}
	}
}

// moments is a row's mean and the inverse of its standard deviation.
func moments(x []float32, eps float32) (mean, rstd float32) {
	n := float64(len(x))
	var sum float64
	for _, v := range x {
		sum += float64(v)
	}
	centre := sum / n
	var squares float64
	for _, v := range x {
		d := float64(v) - centre
		squares += d * d
	}
	return float32(centre), float32(1 / math.Sqrt(squares/n+float64(eps)))
}

// normRows is how many rows share one partial sum of DWeight and DBias: by the shape, at most 64 partial sums.
func normRows(rows int) int { return max(32, pieces(rows, 64)) }

// LayerNormBackward computes the gradient of LayerNorm: partial sums of DWeight and DBias by blocks of rows, then
// their sum.
func (b *Backend) LayerNormBackward(a kernels.LayerNormBackward) {
	n := a.Rows * a.Cols
	blocks := pieces(a.Rows, normRows(a.Rows))
	partial := b.scratch(blocks * 2 * a.Cols)
	t := layerNormBackwardTask{
		dx: f32(a.DX, n), dy: f32(a.DY, n), x: f32(a.X, n), weight: f32(a.Weight, a.Cols),
		mean: f32(a.Mean, a.Rows), rstd: f32(a.RStd, a.Rows), add: optF32(a.Add, n), partial: partial, cols: a.Cols,
	}
	dWeight, dBias := f32(a.DWeight, a.Cols), f32(a.DBias, a.Cols)
	launch(b, &b.tasks.layerNormBackward, t, blocks)
	columns := pieces(a.Cols, stripe)
	launch(b, &b.tasks.sumPartials, sumPartialsTask{dWeight, partial, blocks, 2 * a.Cols}, columns)
	launch(b, &b.tasks.sumPartials, sumPartialsTask{dBias, partial[min(a.Cols, len(partial)):], blocks, 2 * a.Cols}, columns)
}

type layerNormBackwardTask struct {
	dx, dy, x, weight, mean, rstd, add []float32
	partial                            []float32 // a block's dWeight, then its dBias
	cols                               int
}

func (t *layerNormBackwardTask) run(_ *worker, item int) {
	rows := len(t.mean)
	i0, i1 := span(item, normRows(rows), rows)
	dWeight := t.partial[item*2*t.cols:][:t.cols]
	dBias := t.partial[(item*2+1)*t.cols:][:t.cols]
	clear(dWeight)
	clear(dBias)
	for i := i0; i < i1; i++ {
		t.row(i, dWeight, dBias)
	}
}

// row is one row's gradient, with x̂ = (x − mean)·rstd and g = dy·weight:
// dx = rstd·(g − mean(g) − x̂·mean(g·x̂)).
func (t *layerNormBackwardTask) row(i int, dWeight, dBias []float32) {
	from, to := i*t.cols, (i+1)*t.cols
	dx, dy, x, weight := t.dx[from:to], t.dy[from:to], t.x[from:to], t.weight[:t.cols]
	mean, rstd := t.mean[i], t.rstd[i]
	var sumG, sumGX float64
	for j, d := range dy {
		xhat := (x[j] - mean) * rstd
		g := d * weight[j]
		sumG += float64(g)
		sumGX += float64(g * xhat)
		dWeight[j] += d * xhat
		dBias[j] += d
	}
	meanG, meanGX := float32(sumG/float64(t.cols)), float32(sumGX/float64(t.cols))
	for j, d := range dy {
		xhat := (x[j] - mean) * rstd
		v := rstd * (d*weight[j] - meanG - xhat*meanGX)
		if t.add != nil {
			v += t.add[from+j]
		}
		dx[j] = v
	}
}
