package kernelstest

import (
	"fmt"
	"math"
	"testing"

	"dmtrain/internal/kernels"
	"dmtrain/internal/tensor"
)

func (s *suite) testSquaredNorm(t *testing.T) {
	s.eachFloat(t, func(t *testing.T, dt tensor.DType) {
		for _, n := range []int{1, 7, 63, 65, 129, 4099} {
			t.Run(fmt.Sprint(n), func(t *testing.T) {
				t1 := s.trial(t)
				s.squaredNorm(t1, dt, t1.normal(n))
			})
		}
		// A running float32 sum of equal terms drifts: at this length it misses by far more than 1e-6.
		t.Run("long", func(t *testing.T) {
			x := make([]float32, 1<<20+13)
			for i := range x {
				x[i] = 0.1
			}
			s.squaredNorm(s.trial(t), dt, x)
		})
		t.Run("one large among small", func(t *testing.T) {
			t1 := s.trial(t)
			x := t1.normalTimes(5000, 1e-2)
			x[1234] = 1e4
			s.squaredNorm(t1, dt, x)
		})
	})
	t.Run("non-finite", s.squaredNormOfNonFinite)
}

// squaredNorm holds the promise of 1e-6 relative: with one term, the bound is 5·2⁻²³.
func (s *suite) squaredNorm(t *trial, dt tensor.DType, values []float32) {
	x, out := t.in("X", dt, values), t.out("Out", tensor.Float32, 1, within(1))
	t.check(func(k kernels.Backend, at *bound) {
		k.SquaredNorm(kernels.SquaredNorm{Out: at.buf(out), X: at.buf(x), N: len(values)})
	})
}

// squaredNormOfNonFinite puts one NaN or infinity anywhere: it must not get lost.
func (s *suite) squaredNormOfNonFinite(t *testing.T) {
	d := &device{t, s.k}
	inf := float32(math.Inf(1))
	for _, bad := range []float32{float32(math.NaN()), inf, -inf} {
		for _, n := range []int{1, 65, 1030} {
			for _, at := range []int{0, n / 2, n - 1} {
				x := normals(1, 1, n, 1)
				x[at] = bad
				out := d.poisoned(tensor.Float32, 1)
				s.k.Zero(out)
				s.k.SquaredNorm(kernels.SquaredNorm{Out: out, X: d.put(tensor.Float32, x), N: n})
				if v := float64(d.floats(out)[0]); !math.IsNaN(v) && !math.IsInf(v, 0) {
					t.Errorf("%v at %d of %d gave %v", bad, at, n, v)
				}
			}
		}
	}
}

func (s *suite) testAdamW(t *testing.T) {
	t.Run("PyTorch", s.adamWAsPyTorch)
	for _, n := range []int{1, 7, 63, 65, 129, 1030} {
		for _, step := range []int{1, 2, 1000, 1_000_000} {
			for _, low := range []bool{false, true} {
				t.Run(fmt.Sprintf("n=%d,step=%d,low=%t", n, step, low), func(t *testing.T) { s.adamW(t, n, step, low) })
			}
		}
	}
}

// adamW holds the bfloat16 copy to the rounding of what the same call wrote to the parameters.
func (s *suite) adamW(tb *testing.T, n, step int, withLow bool) {
	t := s.trial(tb)
	square := t.uniform(n)
	grad := t.normal(n)
	for i := range grad {
		if i%5 == 0 { // a parameter that no gradient has reached yet
			grad[i], square[i] = 0, 0
		}
	}
	moment := t.normalTimes(n, 0.5)
	for i := range moment {
		if i%5 == 0 {
			moment[i] = 0
		}
	}
	tol := within(8)
	param, m := t.update("Param", tensor.Float32, t.normal(n), tol), t.update("M", tensor.Float32, moment, tol)
	v, g := t.update("V", tensor.Float32, square, tol), t.in("Grad", tensor.Float32, grad)
	var low *operand
	if withLow {
		low = t.out("Low", tensor.BFloat16, n, within(8))
	}
	got := t.check(func(k kernels.Backend, at *bound) {
		k.AdamW(kernels.AdamW{
			Param: at.buf(param), Grad: at.buf(g), M: at.buf(m), V: at.buf(v), Low: at.buf(low), N: n,
			LR: 3e-3, Beta1: 0.9, Beta2: 0.99, Eps: 1e-8, Decay: 0.1, GradScale: 0.7, Step: step,
		})
	})
	if !withLow {
		return
	}
	kept := got.of(param)
	master := make([]float32, n)
	for i, p := range kept {
		master[i] = float32(p)
	}
	for i, want := range rounded(master, tensor.BFloat16) {
		if l := got.of(low)[i]; l != want {
			t.Fatalf("Low[%d] = %v, but Param[%d] = %v rounds to %v", i, l, i, kept[i], want)
		}
	}
}

// adamWAsPyTorch repeats four steps of torch.optim.AdamW (version 1.13, float64, lr 1e-2, betas 0.9 and 0.95, eps 1e-8,
// weight_decay 0.1) on half the gradients.
func (s *suite) adamWAsPyTorch(t *testing.T) {
	d := &device{t, s.k}
	param := d.put(tensor.Float32, []float32{1, -0.5, 0.25, 3, 0})
	m, v := d.alloc(tensor.Float32, 5), d.alloc(tensor.Float32, 5)
	for i, step := range []struct {
		grad               []float32
		param, mean, mean2 []float64
	}{
		{
			[]float32{0.5, -1, 0, 0.0001, 2},
			[]float64{0.989, -0.4895, 0.24975, 2.987002, -0.0099999999},
			[]float64{0.025, -0.05, 0, 5e-06, 0.1},
			[]float64{0.003125, 0.0125, 0, 1.25e-10, 0.05},
		},
		{
			[]float32{0.25, 1, 0, -0.0001, -8},
			[]float64{0.97861807, -0.489536816, 0.24950025, 2.98454121, -0.00445598218},
			[]float64{0.035, 0.005, 0, -5e-07, -0.31},
			[]float64{0.00375, 0.024375, 0, 2.4375e-10, 0.8475},
		},
		{
			[]float32{-3, 0.125, 0, 0.0001, 0.5},
			[]float64{0.982486764, -0.490027624, 0.24925075, 2.9781994, -0.000514308791},
			[]float64{-0.1185, 0.01075, 0, 4.55e-06, -0.254},
			[]float64{0.1160625, 0.0233515625, 0, 3.565625e-10, 0.80825},
		},
		{
			[]float32{0, 0, 1, 0.0001, 0},
			[]float64{0.98552668, -0.490351108, 0.243400733, 2.96993293, 0.0027533928},
			[]float64{-0.10665, 0.009675, 0.05, 9.095e-06, -0.2286},
			[]float64{0.110259375, 0.0221839844, 0.0125, 4.63734375e-10, 0.7678375},
		},
	} {
		s.k.AdamW(kernels.AdamW{
			Param: param, Grad: d.put(tensor.Float32, step.grad), M: m, V: v, N: 5,
			LR: 1e-2, Beta1: 0.9, Beta2: 0.95, Eps: 1e-8, Decay: 0.1, GradScale: 0.5, Step: i + 1,
		})
		d.near(fmt.Sprintf("step %d: Param", i+1), param, step.param, 2e-6, 1e-7)
		d.near(fmt.Sprintf("step %d: M", i+1), m, step.mean, 2e-6, 1e-12)
		d.near(fmt.Sprintf("step %d: V", i+1), v, step.mean2, 2e-6, 0)
	}
}

// near compares a buffer with known values.
func (d *device) near(name string, b kernels.Buffer, want []float64, relative, absolute float64) {
	d.Helper()
	for i, got := range d.floats(b) {
		if math.Abs(float64(got)-want[i]) > relative*math.Abs(want[i])+absolute {
			d.Errorf("%s[%d] = %v, want %v", name, i, got, want[i])
		}
	}
}
