package kernelstest

import (
	"fmt"
	"math"
	"testing"

	"pgregory.net/rapid"

	"dmtrain/internal/kernels"
	"dmtrain/internal/tensor"
)

// matMulCase is one product and its options.
type matMulCase struct {
	m, n, k        int
	transA, transB bool
	bias, gelu     bool
	add            addend
	grad           bool // C and Add are float32 whatever the operands: the gradient of a parameter
}

// addend is where a term to add comes from.
type addend int

const (
	addNone  addend = iota
	addOther        // a buffer of its own
	addSame         // the output itself
)

func (c matMulCase) String() string {
	return fmt.Sprintf("%dx%dx%d/transA=%t,transB=%t,bias=%t,add=%d,gelu=%t,grad=%t", c.m, c.n, c.k, c.transA, c.transB,
		c.bias, c.add, c.gelu, c.grad)
}

func (s *suite) testMatMul(t *testing.T) {
	s.eachFloat(t, func(t *testing.T, dt tensor.DType) {
		for _, c := range matMulCases() {
			t.Run(c.String(), func(t *testing.T) { s.matMul(t, dt, c) })
		}
		if s.relayed {
			return
		}
		t.Run("random", rapid.MakeCheck(func(t *rapid.T) {
			size := rapid.IntRange(1, 70)
			s.matMul(t, dt, matMulCase{
				m:      size.Draw(t, "m"),
				n:      size.Draw(t, "n"),
				k:      size.Draw(t, "k"),
				transA: rapid.Bool().Draw(t, "transA"),
				transB: rapid.Bool().Draw(t, "transB"),
				bias:   rapid.Bool().Draw(t, "bias"),
				gelu:   rapid.Bool().Draw(t, "gelu"),
				add:    addend(rapid.IntRange(0, 2).Draw(t, "add")),
			})
		}))
	})
}

// matMulCases are all options at one odd shape, and all transposes at many.
func matMulCases() []matMulCase {
	var cases []matMulCase
	both := []bool{false, true}
	for _, transA := range both {
		for _, transB := range both {
			for _, bias := range both {
				for _, gelu := range both {
					for add := addNone; add <= addSame; add++ {
						cases = append(cases, matMulCase{35, 67, 33, transA, transB, bias, gelu, add, false})
					}
				}
			}
			for _, s := range [][3]int{
				{1, 1, 1}, {1, 7, 63}, {7, 1, 65}, {63, 65, 1}, {65, 63, 7}, {129, 7, 65}, {65, 129, 63},
				{128, 128, 64},
				{1, 129, 300}, {300, 1, 129}, {1, 515, 65}, {33, 17, 1030}, {515, 19, 9}, {9, 1030, 20},
			} {
				cases = append(cases, matMulCase{
					m:      s[0],
					n:      s[1],
					k:      s[2],
					transA: transA,
					transB: transB,
				})
			}
		}
	}
	return append(cases,
		matMulCase{
			m:      65,
			n:      35,
			k:      129,
			transA: true,
			add:    addSame,
			grad:   true,
		},
		matMulCase{
			m:      65,
			n:      35,
			k:      129,
			transA: true,
			grad:   true,
		},
		matMulCase{
			m:      7,
			n:      63,
			k:      65,
			transB: true,
			add:    addOther,
			grad:   true,
		})
}

func (s *suite) matMul(tb rapid.TB, dt tensor.DType, c matMulCase) {
	tb.Helper()
	t, outType := s.trial(tb), dt
	if c.grad {
		outType = tensor.Float32
	}
	a, b := t.in("A", dt, t.normal(c.m*c.k)), t.in("B", dt, t.normal(c.k*c.n))
	var out, bias, add, gelu *operand
	tol := within(c.k + 2).atLeast(math.Sqrt(float64(c.k)))
	if c.add == addSame {
		out = t.update("C", outType, t.normal(c.m*c.n), tol)
		add = out
	} else {
		out = t.out("C", outType, c.m*c.n, tol)
	}
	if c.add == addOther {
		add = t.in("Add", outType, t.normal(c.m*c.n))
	}
	if c.bias {
		bias = t.in("Bias", dt, t.normal(c.n))
	}
	if c.gelu {
		gelu = t.out("Gelu", outType, c.m*c.n, within(c.k+8).atLeast(math.Sqrt(float64(c.k))))
	}
	t.check(func(k kernels.Backend, at *bound) {
		k.MatMul(kernels.MatMul{
			C:      at.buf(out),
			A:      at.buf(a),
			B:      at.buf(b),
			M:      c.m,
			N:      c.n,
			K:      c.k,
			TransA: c.transA,
			TransB: c.transB,
			Bias:   at.buf(bias),
			Add:    at.buf(add),
			Gelu:   at.buf(gelu),
		})
	})
}

func (s *suite) testBiasGrad(t *testing.T) {
	s.eachFloat(t, func(t *testing.T, dt tensor.DType) {
		for _, shape := range [][2]int{{1, 1}, {1, 129}, {7, 63}, {65, 7}, {129, 65}, {300, 1}, {1030, 33}} {
			rows, cols := shape[0], shape[1]
			t.Run(fmt.Sprintf("%dx%d", rows, cols), func(t *testing.T) {
				t1 := s.trial(t)
				dy := t1.in("DY", dt, t1.normal(rows*cols))
				dbias := t1.update("DBias", tensor.Float32, t1.normal(cols),
					within(rows+1).atLeast(math.Sqrt(float64(rows))))
				t1.check(func(k kernels.Backend, at *bound) {
					k.BiasGrad(kernels.BiasGrad{
						DBias: at.buf(dbias),
						DY:    at.buf(dy),
						Rows:  rows,
						Cols:  cols,
					})
				})
			})
		}
	})
}
