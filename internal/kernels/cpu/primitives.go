package cpu

import (
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/gonum"
)

// primitives are the inner loops of one instruction set.
type primitives struct {
	path string // as in kernels.Info
	// gemm sets C += op(A)·op(B), op(A) m×k and op(B) k×n.
	gemm func(c []float32, ldc int, a []float32, lda int, transA bool, b []float32, ldb int, transB bool, m, n, k int)
	// lanes is the number of float32 in a vector and strip the products of strips by width; none without vectors.
	lanes int
	strip [maxStrip + 1]stripFunc
	// transpose sets dst[c·ldd+r] = scale·src[r·lds+c].
	transpose func(dst []float32, ldd int, src []float32, lds, rows, cols int, scale float32)
	// gelu sets y = gelu(x).
	gelu func(y, x []float32)
}

// generic is plain Go and gonum's BLAS.
func generic() primitives {
	return primitives{path: "generic", gemm: gonumGemm, transpose: transpose, gelu: gelu}
}

// gonumGemm leaves the product to gonum, block by block: a block this small is summed there in one piece and on the
// calling goroutine, so the order of its sums depends on k alone.
func gonumGemm(c []float32, ldc int, a []float32, lda int, transA bool, b []float32, ldb int, transB bool, m, n, k int) {
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
