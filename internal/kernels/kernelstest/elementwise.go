package kernelstest

import (
	"fmt"
	"testing"

	"dmtrain/internal/kernels"
	"dmtrain/internal/rng"
	"dmtrain/internal/tensor"
)

func (s *suite) testElementwise(t *testing.T) {
	s.eachFloat(t, func(t *testing.T, dt tensor.DType) {
		for _, n := range []int{1, 7, 63, 65, 129, 1030, 5000} {
			t.Run(fmt.Sprintf("Add/%d", n), func(t *testing.T) { s.add(t, dt, n) })
			t.Run(fmt.Sprintf("Scale/%d", n), func(t *testing.T) { s.scale(t, dt, n) })
			t.Run(fmt.Sprintf("GeluBackward/%d", n), func(t *testing.T) {
				t1 := s.trial(t)
				s.geluBackward(t, dt, t1.normalTimes(n, 2))
			})
		}
		t.Run("GeluBackward/range", func(t *testing.T) { s.geluBackward(t, dt, ramp(-30, 30, 4001)) })
		t.Run("Gelu/range", func(t *testing.T) { s.geluRange(t, dt) })
	})
}

// ramp is n steps from one value to another.
func ramp(from, to float64, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(from + (to-from)*float64(i)/float64(n-1))
	}
	return x
}

// add makes the sum in a buffer of its own, in A, in B, and of a buffer with itself.
func (s *suite) add(tb *testing.T, dt tensor.DType, n int) {
	for form := range 4 {
		t := s.trial(tb)
		var y, a, b *operand
		switch form {
		case 0:
			y, a, b = t.out("Y", dt, n, exactly), t.in("A", dt, t.normal(n)), t.in("B", dt, t.normal(n))
		case 1:
			y, b = t.update("A = Y", dt, t.normal(n), exactly), t.in("B", dt, t.normal(n))
			a = y
		case 2:
			y, a = t.update("B = Y", dt, t.normal(n), exactly), t.in("A", dt, t.normal(n))
			b = y
		case 3:
			y = t.update("A = B = Y", dt, t.normal(n), exactly)
			a, b = y, y
		}
		t.check(func(k kernels.Backend, at *bound) {
			k.Add(kernels.Add{Y: at.buf(y), A: at.buf(a), B: at.buf(b), N: n})
		})
	}
}

func (s *suite) scale(tb *testing.T, dt tensor.DType, n int) {
	for _, factor := range []float32{0, 1, -1.7, 1e-3} {
		t := s.trial(tb)
		y, x := t.out("Y", dt, n, exactly), t.in("X", dt, t.normal(n))
		t.check(func(k kernels.Backend, at *bound) {
			k.Scale(kernels.Scale{Y: at.buf(y), X: at.buf(x), N: n, Factor: factor})
		})
		t = s.trial(tb)
		y = t.update("X = Y", dt, t.normal(n), exactly)
		t.check(func(k kernels.Backend, at *bound) {
			k.Scale(kernels.Scale{Y: at.buf(y), X: at.buf(y), N: n, Factor: factor})
		})
	}
}

// geluBackward allows for the cancellation in 1 − tanh², which is multiplied by up to 4 before tanh is 1 in float32.
func (s *suite) geluBackward(tb *testing.T, dt tensor.DType, values []float32) {
	t, n := s.trial(tb), len(values)
	tol := within(8).atLeast(4)
	dx, dy, x := t.out("DX", dt, n, tol), t.in("DY", dt, t.normal(n)), t.in("X", dt, values)
	t.check(func(k kernels.Backend, at *bound) {
		k.GeluBackward(kernels.GeluBackward{DX: at.buf(dx), DY: at.buf(dy), X: at.buf(x), N: n})
	})
	t = s.trial(tb)
	dx, x = t.update("DY = DX", dt, t.normal(n), tol), t.in("X", dt, values)
	t.check(func(k kernels.Backend, at *bound) {
		k.GeluBackward(kernels.GeluBackward{DX: at.buf(dx), DY: at.buf(dx), X: at.buf(x), N: n})
	})
}

// geluRange walks the epilogue's GELU over its whole range with products by 1; far out it is x or exactly 0.
func (s *suite) geluRange(tb *testing.T, dt tensor.DType) {
	for _, values := range [][]float32{ramp(-30, 30, 4001), {-100}, {100}, {-1e4}, {1e4}, {-1e18}, {1e18}} {
		t, n := s.trial(tb), len(values)
		a, b := t.in("A", dt, values), t.in("B", dt, []float32{1})
		c, gelu := t.out("C", dt, n, exactly), t.out("Gelu", dt, n, within(8))
		t.check(func(k kernels.Backend, at *bound) {
			k.MatMul(kernels.MatMul{C: at.buf(c), A: at.buf(a), B: at.buf(b), M: n, N: 1, K: 1, Gelu: at.buf(gelu)})
		})
	}
}

// testDropout holds the choice of elements exactly: what the reference keeps is not 0 here either.
func (s *suite) testDropout(t *testing.T) {
	s.eachFloat(t, func(t *testing.T, dt tensor.DType) {
		for _, c := range []struct {
			rows, cols, lines, first int
			rate                     float32
		}{
			{1, 1, 1, 0, 0.5}, {6, 63, 3, 0, 0.1}, {14, 65, 7, 5, 0.5}, {65, 7, 65, 1, 0.9}, {8, 129, 1, 1000, 0.3},
			{6, 64, 3, 2, 0}, {10, 4, 5, 0, 0.25},
		} {
			for _, inPlace := range []bool{false, true} {
				t.Run(fmt.Sprintf("%+v,inPlace=%t", c, inPlace), func(t *testing.T) {
					t1 := s.trial(t)
					values := t1.normal(c.rows * c.cols)
					for i, v := range values {
						if v == 0 {
							values[i] = 1
						}
					}
					tol, draw := within(1), t1.draw(c.first)
					if c.rate == 0 {
						tol = exactly
					}
					var x, y *operand
					if inPlace {
						y = t1.update("X = Y", dt, values, tol)
						x = y
					} else {
						y, x = t1.out("Y", dt, len(values), tol), t1.in("X", dt, values)
					}
					got := t1.check(func(k kernels.Backend, at *bound) {
						k.Dropout(kernels.Dropout{
							Y: at.buf(y), X: at.buf(x), Draw: at.buf(draw), Purpose: rng.Dropout.At(3, 1),
							Rate: c.rate, Rows: c.rows, Cols: c.cols, Lines: c.lines,
						})
					}).of(y)
					for i, v := range got {
						u := unit(draw, rng.Dropout.At(3, 1), c.first*c.lines+i/c.cols, i%c.cols)
						if (u < c.rate) != (v == 0) {
							t.Fatalf("row %d, channel %d: draw %v at rate %v left %v", i/c.cols, i%c.cols, u, c.rate, v)
						}
					}
				})
			}
		}
	})
}
