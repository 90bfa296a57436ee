package ref

import (
	"testing"

	"dmtrain/internal/rng"

	"gonum.org/v1/gonum/diff/fd"
)

// slopeTolerance is for central differences of step 10⁻⁴ in float64: their error is about 10⁻⁸ times the third
// derivative and 10⁻¹² of rounding.
const slopeTolerance = 1e-7

// holdGradient compares a gradient with the central differences of a function at x.
func holdGradient(t *testing.T, name string, f func([]float64) float64, x, gradient []float64) {
	t.Helper()
	point := append([]float64{}, x...)
	near(t, name, gradient, fd.Gradient(nil, f, point, &fd.Settings{Formula: fd.Central, Step: 1e-4}), slopeTolerance)
}

// numbers is n standard normal draws; stream tells sets apart.
func numbers(n int, stream uint32) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = rng.Normal(1, rng.Probe, stream, 0, uint32(i))
	}
	return x
}

// The gradients of a product are products: of c = op(a)·op(b) with dc, as the graph asks for them.
func TestMatMulGradients(t *testing.T) {
	const m, n, k = 3, 5, 4
	for _, transposed := range []bool{false, true} {
		a, b, dc := numbers(m*k, 1), numbers(k*n, 2), numbers(m*n, 3)
		loss := func(a, b []float64) float64 { return dot(dc, matMul(a, b, m, n, k, false, transposed)) }
		da := matMul(dc, b, m, k, n, false, !transposed)
		holdGradient(t, "da", func(a []float64) float64 { return loss(a, b) }, a, da)
		db := matMul(a, dc, k, n, m, true, false)
		if transposed {
			db = matMul(dc, a, n, k, m, true, false)
		}
		holdGradient(t, "db", func(b []float64) float64 { return loss(a, b) }, b, db)
	}
}

func TestBiasGradient(t *testing.T) {
	const rows, cols = 4, 3
	dy := numbers(rows*cols, 1)
	loss := func(bias []float64) float64 {
		y := make([]float64, rows*cols)
		addRow(y, bias)
		return dot(dy, y)
	}
	holdGradient(t, "dbias", loss, numbers(cols, 2), columnSums(dy, rows, cols))
}

func TestGeluSlope(t *testing.T) {
	for _, x := range []float64{-6, -2, -0.7, -0.1, 0, 0.1, 1, 2.5, 6} {
		holdGradient(t, "slope", func(x []float64) float64 { return gelu(x[0]) }, []float64{x}, []float64{geluSlope(x)})
	}
}

func TestLayerNormGradients(t *testing.T) {
	const cols, eps = 6, 1e-5
	x, weight, bias, dy := numbers(cols, 1), numbers(cols, 2), numbers(cols, 3), numbers(cols, 4)
	loss := func(x, weight, bias []float64) float64 {
		y := make([]float64, cols)
		mean, rstd := moments(x, eps)
		layerNorm(y, x, weight, bias, mean, rstd)
		return dot(dy, y)
	}
	mean, rstd := moments(x, eps)
	dx, dweight, dbias := make([]float64, cols), make([]float64, cols), make([]float64, cols)
	layerNormBackward(dx, dweight, dbias, dy, x, weight, mean, rstd)
	holdGradient(t, "dx", func(x []float64) float64 { return loss(x, weight, bias) }, x, dx)
	holdGradient(t, "dweight", func(w []float64) float64 { return loss(x, w, bias) }, weight, dweight)
	holdGradient(t, "dbias", func(b []float64) float64 { return loss(x, weight, b) }, bias, dbias)
}

func TestCrossEntropySlope(t *testing.T) {
	const v = 7
	logits := numbers(v, 1)
	for target := -1; target < v; target++ {
		loss := func(x []float64) float64 { return classify(x, target).nll }
		holdGradient(t, "dlogits", loss, logits, crossEntropySlope(logits, target))
	}
}

// Six queries see eight keys through random edges with random factors, one of them nothing at all.
func TestAttentionGradients(t *testing.T) {
	const queries, keys, width = 6, 8, 4
	q, k, v, dout := numbers(queries*width, 1), numbers(keys*width, 2), numbers(keys*width, 3),
		numbers(queries*width, 4)
	edges := func(i int) []edge {
		var seen []edge
		for j := range keys {
			if i != 2 && rng.Uniform(7, rng.Probe, 0, uint32(i), uint32(j)) < 0.7 {
				seen = append(seen, edge{j, float64(j%3) / 2})
			}
		}
		return seen
	}
	loss := func(q, k, v []float64) float64 {
		out := rowsOfWidth(queries, width)
		attend(out, make([]float64, queries), split(q, width), split(k, width), split(v, width), edges)
		return dot(dout, flat(out))
	}
	dq, dk, dv := rowsOfWidth(queries, width), rowsOfWidth(keys, width), rowsOfWidth(keys, width)
	attendBackward(dq, dk, dv, split(q, width), split(k, width), split(v, width), split(dout, width), edges)
	holdGradient(t, "dq", func(x []float64) float64 { return loss(x, k, v) }, q, flat(dq))
	holdGradient(t, "dk", func(x []float64) float64 { return loss(q, x, v) }, k, flat(dk))
	holdGradient(t, "dv", func(x []float64) float64 { return loss(q, k, x) }, v, flat(dv))
}

// split views a dense matrix by its rows.
func split(x []float64, width int) [][]float64 {
	var rows [][]float64
	for len(x) > 0 {
		rows, x = append(rows, x[:width]), x[width:]
	}
	return rows
}
