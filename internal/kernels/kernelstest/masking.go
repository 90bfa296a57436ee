package kernelstest

import (
	"fmt"
	"math"
	"testing"

	"dmtrain/internal/kernels"
	"dmtrain/internal/rng"
	"dmtrain/internal/tensor"
)

// testBernoulli wants the reference's bits and, independently, those of the definition.
func (s *suite) testBernoulli(t *testing.T) {
	for _, c := range []struct{ b, t, first int }{{1, 1, 0}, {3, 7, 0}, {2, 65, 9}, {5, 129, 1000}, {4, 64, 3}} {
		t.Run(fmt.Sprintf("%+v", c), func(t *testing.T) {
			t1 := s.trial(t)
			rates := t1.uniform(c.b * c.t)
			for i := range rates {
				rates[i] = []float32{0, 1, 0.15, rates[i]}[i%4]
			}
			hidden, rate := t1.out("Hidden", tensor.Uint8, c.b*c.t, exactly), t1.in("Rate", tensor.Float32, rates)
			draw := t1.draw(c.first)
			got := t1.check(func(k kernels.Backend, at *bound) {
				k.Bernoulli(kernels.Bernoulli{
					Hidden: at.buf(hidden),
					Rate:   at.buf(rate),
					Draw:   at.buf(draw),
					B:      c.b,
					T:      c.t,
				})
			}).of(hidden)
			for i, v := range got {
				u := unit(draw, rng.Hide, c.first+i/c.t, i%c.t)
				if (u < rates[i]) != (v == 1) {
					t.Fatalf("row %d, position %d: draw %v at rate %v gave %v", i/c.t, i%c.t, u, rates[i], v)
				}
			}
		})
	}
}

func (s *suite) testMaskedFill(t *testing.T) {
	s.eachFloat(t, func(t *testing.T, dt tensor.DType) {
		for _, c := range []struct {
			rows, cols int
			rate       float32
		}{{1, 1, 1}, {7, 65, 0.5}, {129, 7, 0.15}, {65, 63, 0}, {33, 129, 1}, {300, 16, 0.5}} {
			for _, learned := range []bool{false, true} {
				for _, inPlace := range []bool{false, true} {
					name := fmt.Sprintf("%+v,learned=%t,inPlace=%t", c, learned, inPlace)
					t.Run("forward/"+name, func(t *testing.T) {
						s.maskedFill(t, dt, c.rows, c.cols, c.rate, learned,
							inPlace)
					})
					t.Run("backward/"+name, func(t *testing.T) {
						s.maskedFillBackward(t, dt, c.rows, c.cols, c.rate, learned, inPlace)
					})
				}
			}
		}
	})
}

// hiddenRows marks rows with any byte that is not 0, as the contract has it.
func (t *trial) hiddenRows(n int, rate float32) *operand {
	hidden := t.coin(n, rate)
	for i := range hidden {
		hidden[i] *= uint8(1 + i%255)
	}
	return t.in("Hidden", tensor.Uint8, hidden)
}

func (s *suite) maskedFill(tb *testing.T, dt tensor.DType, rows, cols int, rate float32, learned, inPlace bool) {
	t := s.trial(tb)
	hidden := t.hiddenRows(rows, rate)
	var x, y, value *operand
	if inPlace {
		y = t.update("X = Y", dt, t.normal(rows*cols), exactly)
		x = y
	} else {
		y, x = t.out("Y", dt, rows*cols, exactly), t.in("X", dt, t.normal(rows*cols))
	}
	if learned {
		value = t.in("Value", dt, t.normal(cols))
	}
	t.check(func(k kernels.Backend, at *bound) {
		k.MaskedFill(kernels.MaskedFill{
			Y:      at.buf(y),
			X:      at.buf(x),
			Hidden: at.buf(hidden),
			Value:  at.buf(value),
			Rows:   rows,
			Cols:   cols,
		})
	})
}

func (s *suite) maskedFillBackward(
	tb *testing.T, dt tensor.DType, rows, cols int, rate float32, learned, inPlace bool,
) {
	t := s.trial(tb)
	hidden := t.hiddenRows(rows, rate)
	var dx, dy, dvalue *operand
	if inPlace {
		dx = t.update("DY = DX", dt, t.normal(rows*cols), exactly)
		dy = dx
	} else {
		dx, dy = t.out("DX", dt, rows*cols, exactly), t.in("DY", dt, t.normal(rows*cols))
	}
	if learned {
		dvalue = t.update("DValue", tensor.Float32, t.normal(cols), within(rows+1).atLeast(math.Sqrt(float64(rows))))
	}
	t.check(func(k kernels.Backend, at *bound) {
		k.MaskedFillBackward(kernels.MaskedFillBackward{
			DX:     at.buf(dx),
			DY:     at.buf(dy),
			Hidden: at.buf(hidden),
			DValue: at.buf(dvalue),
			Rows:   rows,
			Cols:   cols,
		})
	})
}
