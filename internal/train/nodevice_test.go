//go:build !cuda && !cudaemu

package train

import (
	"testing"

	"dmtrain/internal/kernels"
)

// deviceIfAny is none: this program was built without CUDA.
func deviceIfAny(*testing.T) kernels.Backend { return nil }
