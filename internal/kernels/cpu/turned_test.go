package cpu

import (
	"fmt"
	"math"
	"testing"

	"dmtrain/internal/kernels"
)

// A transposed A gives the bits of the same matrix as it lies, turned before or not, in one panel or several.
func TestTransposedOperandGivesTheSameBits(t *testing.T) {
	eachPath(t, testTransposedOperandGivesTheSameBits)
}

func testTransposedOperandGivesTheSameBits(t *testing.T) {
	k := open(t, 2)
	if k.prim.lanes == 0 {
		t.Skip("no strips")
	}
	for _, s := range []struct{ m, n, k int }{
		{33, 50, 70},
		{130, 389, 401},  // turned with AVX2
		{517, 511, 67},   // with AVX-512
		{300, 900, 1600}, // several panels of packed B
		{1300, 210, 1601},
	} {
		t.Run(fmt.Sprintf("%d×%d×%d", s.m, s.n, s.k), func(t *testing.T) {
			plain, turned := normals(1, s.m*s.k), make([]float32, s.m*s.k)
			transpose(turned, s.m, plain, s.k, s.m, s.k, 1)
			want := floats(t, k, 0, s.m*s.n)
			got := floats(t, k, 0, s.m*s.n)
			a, b := floats(t, k, 0, s.m*s.k), floats(t, k, 2, s.k*s.n)
			call := kernels.MatMul{A: a, B: b, C: want, M: s.m, N: s.n, K: s.k}
			k.Upload(a, plain)
			k.MatMul(call)
			k.Upload(a, turned)
			call.C, call.TransA = got, true
			k.MatMul(call)
			x, y := f32(want, s.m*s.n), f32(got, s.m*s.n)
			for i := range x {
				if math.Float32bits(x[i]) != math.Float32bits(y[i]) {
					t.Fatalf("element (%d, %d): %v of a transposed A, %v of A as it lies", i/s.n, i%s.n, y[i], x[i])
				}
			}
		})
	}
}
