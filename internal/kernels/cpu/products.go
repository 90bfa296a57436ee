package cpu

import (
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/gonum"
)

// multiply sets C = A·B, or adds to C: A is m×k with element (i, k) at a[i·sam+k·sak], one of its strides 1, B is
// k×n. For pieces small enough to need no packing.
func (p *primitives) multiply(
	c []float32, ldc int, a []float32, sam, sak int, b []float32, ldb, m, n, k int, accumulate bool,
) {
	if p.lanes == 0 {
		if !accumulate {
			clearRows(matrix{c, ldc}, m, n)
		}
		gonumGemm(c, ldc, a, max(sam, sak), sam == 1 && sak >= m, b, ldb, false, m, n, k)
		return
	}
	s := cutStrips(p.lanes, n)
	for i := range s.count() {
		j, n, width := s.at(i)
		var init []float32
		if accumulate {
			init = c[j:]
		}
		p.strip[width](c[j:], ldc, init, ldc, nil, a, sam, sak, b[j:], ldb, m, n, k)
	}
}

// gonumGemm sets C += op(A)·op(B). It leaves the product to gonum, block by block: a block this small is summed
// there in one piece and on the calling goroutine, so the order of its sums depends on k alone.
func gonumGemm(
	c []float32, ldc int, a []float32, lda int, transA bool, b []float32, ldb int, transB bool, m, n, k int,
) {
	if k == 0 {
		return
	}
	for i := 0; i < m; i += blockM {
		for j := 0; j < n; j += blockN {
			gonum.Implementation{}.Sgemm(trans(transA), trans(transB), min(blockM, m-i), min(blockN, n-j), k,
				1, a[at(i, lda, transA):], lda, b[at(j, ldb, !transB):], ldb, 1, c[i*ldc+j:], ldc)
		}
	}
}

// at is where row i of a matrix begins, or column i of one stored as its transpose.
func at(i, ld int, trans bool) int {
	if trans {
		return i
	}
	return i * ld
}

func trans(t bool) blas.Transpose {
	if t {
		return blas.Trans
	}
	return blas.NoTrans
}

func clearRows(m matrix, rows, cols int) {
	for r := range rows {
		clear(m.row(r, cols))
	}
}
