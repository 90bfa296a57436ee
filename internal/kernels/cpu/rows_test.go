package cpu

import (
	"fmt"
	"testing"

	"dmtrain/internal/kernels"
	"dmtrain/internal/tensor"
)

// A row of a product has the same bits alone, among a few and in a batch large enough for B to be packed.
func TestRowsOfAProductDoNotDependOnEachOther(t *testing.T) {
	eachPath(t, testRowsOfAProductDoNotDependOnEachOther)
}

func testRowsOfAProductDoNotDependOnEachOther(t *testing.T) {
	const m, n, k = 300, 1031, 130
	b := open(t, 2)
	a, w := floats(t, b, 1, m*k), floats(t, b, 2, k*n)
	bias, residual := floats(t, b, 3, n), floats(t, b, 4, m*n)
	whole := func(buf kernels.Buffer, cols, from, rows int) kernels.Buffer {
		return b.Slice(buf, tensor.Float32, 4*from*cols, rows*cols)
	}
	for _, transB := range []bool{false, true} {
		for _, extras := range []bool{false, true} {
			multiply := func(c, gelu kernels.Buffer, from, rows int) {
				call := kernels.MatMul{
					C: whole(c, n, from, rows), A: whole(a, k, from, rows), B: w, M: rows, N: n, K: k, TransB: transB,
				}
				if extras {
					call.Bias, call.Add, call.Gelu = bias, whole(residual, n, from, rows), whole(gelu, n, from, rows)
				}
				b.MatMul(call)
			}
			c, gelu := floats(t, b, 0, m*n), floats(t, b, 0, m*n)
			multiply(c, gelu, 0, m)
			for _, rows := range []int{1, 3, 17, 60, 149} {
				t.Run(fmt.Sprintf("transB=%t/extras=%t/rows=%d", transB, extras, rows), func(t *testing.T) {
					cut, cutGelu := floats(t, b, 0, m*n), floats(t, b, 0, m*n)
					for from := 0; from+rows <= m; from += rows {
						multiply(cut, cutGelu, from, rows)
					}
					covered := m / rows * rows * n
					for i, want := range f32(c, covered) {
						if got := f32(cut, covered)[i]; got != want {
							t.Fatalf("row %d, column %d: %v among %d rows, %v among %d", i/n, i%n, got, rows, want, m)
						}
					}
					for i, want := range f32(gelu, covered) {
						if got := f32(cutGelu, covered)[i]; got != want {
							t.Fatalf("row %d, column %d: GELU %v, want %v", i/n, i%n, got, want)
						}
					}
				})
			}
		}
	}
}
