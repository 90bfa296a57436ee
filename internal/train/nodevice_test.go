//go:build !cuda && !cudaemu

package train

import (
	"testing"

	"dmtrain/internal/kernels"
)

func stepsOnDevice(n int) int { return n }

// deviceIfAny is none: this program was built without CUDA.
func deviceIfAny(*testing.T) kernels.Backend { return nil }
