package kernelstest

import (
	"fmt"
	"math"
	"testing"

	"dmtrain/internal/kernels"
	"dmtrain/internal/tensor"
)

const normEps = 1e-5

// testLayerNorm takes plain rows, rows far from 0 (where E[x²] − E[x]² would cancel) and constant rows, whose
// variance is 0.
func (s *suite) testLayerNorm(t *testing.T) {
	s.eachFloat(t, func(t *testing.T, dt tensor.DType) {
		for _, shape := range [][2]int{{1, 1}, {1, 129}, {7, 63}, {65, 7}, {33, 65}, {129, 64}, {3, 768}, {2, 1030}} {
			rows, cols := shape[0], shape[1]
			for _, c := range []struct {
				name            string
				mean, deviation float64
			}{{"plain", 0, 1}, {"far", 1000, 1}, {"constant", 3, 0}, {"tiny", 0, 1e-4}} {
				name := fmt.Sprintf("%dx%d/%s", rows, cols, c.name)
				t.Run(name+"/forward", func(t *testing.T) { s.layerNorm(t, dt, rows, cols, c.mean, c.deviation) })
				for add := addNone; add <= addSame; add++ {
					t.Run(fmt.Sprintf("%s/backward,add=%d", name, add), func(t *testing.T) {
						s.layerNormBackward(t, dt, rows, cols, c.mean, c.deviation, add)
					})
				}
			}
		}
	})
}

// shifted is n normal draws around a mean.
func (t *trial) shifted(n int, mean, deviation float64) []float32 {
	x := t.normalTimes(n, deviation)
	for i := range x {
		x[i] += float32(mean)
	}
	return x
}

// layerNorm allows what a rounding of the mean, relative to the mean's own size, makes of the output.
func (s *suite) layerNorm(tb *testing.T, dt tensor.DType, rows, cols int, mean, deviation float64) {
	t := s.trial(tb)
	values := t.shifted(rows*cols, mean, deviation)
	x := t.in("X", dt, values)
	weight, bias := t.in("Weight", dt, t.shifted(cols, 1, 0.1)), t.in("Bias", dt, t.normal(cols))
	_, rstds := moments(rounded(values, dt), cols)
	y := t.out("Y", dt, rows*cols, within(cols).atLeast(1+math.Abs(mean)*largest(rstds)))
	meanOut := t.out("Mean", tensor.Float32, rows, within(cols).atLeast(math.Abs(mean)+deviation))
	// The variance feels the mean's error squared, and rstd half the variance's.
	slip := 2 * 0x1p-23 * math.Sqrt(float64(cols)) * math.Abs(mean) * largest(rstds)
	rstdOut := t.out("RStd", tensor.Float32, rows,
		within(cols).atLeast(largest(rstds)*(1+slip*math.Abs(mean)*largest(rstds))))
	t.check(func(k kernels.Backend, at *bound) {
		k.LayerNorm(kernels.LayerNorm{
			Y:      at.buf(y),
			X:      at.buf(x),
			Weight: at.buf(weight),
			Bias:   at.buf(bias),
			Mean:   at.buf(meanOut),
			RStd:   at.buf(rstdOut),
			Rows:   rows,
			Cols:   cols,
			Eps:    normEps,
		})
	})
}

// layerNormBackward feeds moments computed here, so that it judges the backward pass alone.
func (s *suite) layerNormBackward(tb *testing.T, dt tensor.DType, rows, cols int, mean, deviation float64, add addend) {
	t := s.trial(tb)
	values := t.shifted(rows*cols, mean, deviation)
	means, rstds := moments(rounded(values, dt), cols)
	dy, x := t.in("DY", dt, t.normal(rows*cols)), t.in("X", dt, values)
	weight := t.in("Weight", dt, t.shifted(cols, 1, 0.1))
	meanIn, rstdIn := t.in("Mean", tensor.Float32, means), t.in("RStd", tensor.Float32, rstds)
	tol := within(cols).atLeast(largest(rstds)) // dx is a difference of terms as large as rstd·dy·weight
	var dx, term *operand
	switch add {
	case addNone:
		dx = t.out("DX", dt, rows*cols, tol)
	case addOther:
		dx, term = t.out("DX", dt, rows*cols, tol), t.in("Add", dt, t.normal(rows*cols))
	case addSame:
		dx = t.update("DX", dt, t.normal(rows*cols), tol)
		term = dx
	}
	sum := within(rows + 1).atLeast(math.Sqrt(float64(rows)))
	dweight, dbias := t.update("DWeight", tensor.Float32, t.normal(cols), sum),
		t.update("DBias", tensor.Float32, t.normal(cols), sum)
	t.check(func(k kernels.Backend, at *bound) {
		k.LayerNormBackward(kernels.LayerNormBackward{
			DX:      at.buf(dx),
			DWeight: at.buf(dweight),
			DBias:   at.buf(dbias),
			DY:      at.buf(dy),
			X:       at.buf(x),
			Weight:  at.buf(weight),
			Mean:    at.buf(meanIn),
			RStd:    at.buf(rstdIn),
			Add:     at.buf(term),
			Rows:    rows,
			Cols:    cols,
		})
	})
}

// moments are each row's mean and 1/√(variance + ε).
func moments(x []float64, cols int) (means, rstds []float32) {
	for len(x) > 0 {
		row := x[:cols]
		x = x[cols:]
		mean, variance := 0.0, 0.0
		for _, v := range row {
			mean += v
		}
		mean /= float64(cols)
		for _, v := range row {
			variance += (v - mean) * (v - mean)
		}
		means = append(means, float32(mean))
		rstds = append(rstds, float32(1/math.Sqrt(variance/float64(cols)+normEps)))
	}
	return means, rstds
}

func largest(x []float32) float64 {
	m := 0.0
	for _, v := range x {
		m = math.Max(m, math.Abs(float64(v)))
	}
	return m
}
