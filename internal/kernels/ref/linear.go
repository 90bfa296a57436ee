package ref

import "dmtrain/internal/kernels"

// MatMul implements kernels.Linear.
func (r *Backend) MatMul(p kernels.MatMul) {
	c := matMul(widen(p.A, p.M*p.K, "A"), widen(p.B, p.K*p.N, "B"), p.M, p.N, p.K, p.TransA, p.TransB)
	addRow(c, widenOptional(p.Bias, p.N, "Bias"))
	addAll(c, widenOptional(p.Add, p.M*p.N, "Add"))
	if p.Gelu != nil {
		round(p.Gelu, each(c, gelu), "Gelu")
	}
	round(p.C, c, "C")
}

// BiasGrad implements kernels.Linear.
func (r *Backend) BiasGrad(p kernels.BiasGrad) {
	sum := columnSums(widen(p.DY, p.Rows*p.Cols, "DY"), p.Rows, p.Cols)
	addAll(sum, widen(p.DBias, p.Cols, "DBias"))
	round(p.DBias, sum, "DBias")
}

// matMul is op(a)·op(b), m×n.
func matMul(a, b []float64, m, n, k int, transA, transB bool) []float64 {
	c := make([]float64, m*n)
	for i := range m {
		for j := range n {
			for l := range k {
				x, y := i*k+l, l*n+j
				if transA {
					x = l*m + i
				}
				if transB {
					y = j*k + l
				}
				c[i*n+j] += a[x] * b[y]
			}
		}
	}
	return c
}

// columnSums is the gradient of a bias added to every row.
func columnSums(dy []float64, rows, cols int) []float64 {
	sum := make([]float64, cols)
	for i := range rows * cols {
		sum[i%cols] += dy[i]
	}
	return sum
}

// addAll adds x to y element by element; nil adds nothing.
func addAll(y, x []float64) {
	for i := range x {
		y[i] += x[i]
	}
}

// addRow adds x to every row of y; nil adds nothing.
func addRow(y, x []float64) {
	if x == nil {
		return
	}
	for i := range y {
		y[i] += x[i%len(x)]
	}
}
