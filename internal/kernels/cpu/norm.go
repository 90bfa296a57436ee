package cpu

import "dmtrain/internal/kernels"

// LayerNorm normalises rows.
func (b *Backend) LayerNorm(a kernels.LayerNorm) {
	n := a.Rows * a.Cols
	t := layerNormTask{
		prim:   &b.prim,
		y:      f32(a.Y, n),
		x:      f32(a.X, n),
		weight: f32(a.Weight, a.Cols),
		bias:   f32(a.Bias, a.Cols),
		mean:   f32(a.Mean, a.Rows),
		rstd:   f32(a.RStd, a.Rows),
		eps:    a.Eps,
		cols:   a.Cols,
	}
	launch(b, &b.tasks.layerNorm, t, pieces(a.Rows, rowsPerItem(a.Cols)))
}

type layerNormTask struct {
	prim                           *primitives
	y, x, weight, bias, mean, rstd []float32
	eps                            float32
	cols                           int
}

func (t *layerNormTask) run(_ *worker, item int) {
	i0, i1 := span(item, rowsPerItem(t.cols), len(t.mean))
	for i := i0; i < i1; i++ {
		from, to := i*t.cols, (i+1)*t.cols
		t.mean[i], t.rstd[i] = t.prim.layerNorm(t.y[from:to], t.x[from:to], t.weight, t.bias, t.eps)
	}
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
		prim:    &b.prim,
		dx:      f32(a.DX, n),
		dy:      f32(a.DY, n),
		x:       f32(a.X, n),
		weight:  f32(a.Weight, a.Cols),
		mean:    f32(a.Mean, a.Rows),
		rstd:    f32(a.RStd, a.Rows),
		add:     optF32(a.Add, n),
		partial: partial,
		cols:    a.Cols,
	}
	dWeight, dBias := f32(a.DWeight, a.Cols), f32(a.DBias, a.Cols)
	launch(b, &b.tasks.layerNormBackward, t, blocks)
	columns := pieces(a.Cols, stripe)
	launch(b, &b.tasks.sumPartials, sumPartialsTask{&b.prim, dWeight, partial, blocks, 2 * a.Cols}, columns)
	launch(b, &b.tasks.sumPartials,
		sumPartialsTask{&b.prim, dBias, partial[min(a.Cols, len(partial)):], blocks, 2 * a.Cols}, columns)
}

type layerNormBackwardTask struct {
	prim                               *primitives
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
		from, to := i*t.cols, (i+1)*t.cols
		var add []float32
		if t.add != nil {
			add = t.add[from:to]
		}
		t.prim.layerNormBackward(t.dx[from:to], dWeight, dBias, t.dy[from:to], t.x[from:to], t.weight, add, t.mean[i],
			t.rstd[i])
	}
}
