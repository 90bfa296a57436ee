//go:build cuda || cudaemu

package cuda_test

import (
	"testing"

	"dmtrain/internal/kernels"
	"dmtrain/internal/kernels/cuda"
	"dmtrain/internal/kernels/kernelstest"
)

// The project's own products, because cuBLASLt's may differ in the last bits when a batch is cut differently.
func open() (kernels.Backend, error) { return cuda.Open(0, cuda.Options{NoBLAS: true}) }

func TestConformance(t *testing.T) {
	kernelstest.Run(t, open, kernelstest.BFloat16)
}

func BenchmarkKernels(b *testing.B) {
	kernelstest.Benchmark(b, func() (kernels.Backend, error) { return cuda.Open(0, cuda.Options{}) })
}
