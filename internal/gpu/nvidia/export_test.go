//go:build cuda && !cudaemu

package nvidia

import "dmtrain/internal/gpu/driver"

// Plans is how many shapes a library has chosen algorithms for.
func Plans(b driver.BLAS) int { return len(b.(*cublasLt).plans) }
