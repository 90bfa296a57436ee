//go:build cuda || cudaemu

package cuda_test

import (
	"os"
	"strings"
	"testing"

	"dmtrain/internal/kernels"
	"dmtrain/internal/kernels/cuda"
	"dmtrain/internal/kernels/kernelstest"
)

// The project's own products, because cuBLASLt's may differ in the last bits when a batch is cut differently.
func open() (kernels.Backend, error) { return cuda.Open(0, cuda.Options{NoBLAS: true}) }

func TestConformance(t *testing.T) {
	traits := []kernelstest.Trait{kernelstest.BFloat16}
	if strings.Contains(os.Getenv("DMTRAIN_LIBCUDA"), "emulated") { // make test-emulated tries its kernels
		traits = append(traits, kernelstest.Relayed)
	}
	kernelstest.Run(t, open, traits...)
}

func BenchmarkKernels(b *testing.B) {
	kernelstest.Benchmark(b, func() (kernels.Backend, error) { return cuda.Open(0, cuda.Options{}) })
}
