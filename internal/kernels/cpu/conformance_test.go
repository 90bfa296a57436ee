package cpu

import (
	"testing"

	"dmtrain/internal/kernels"
	"dmtrain/internal/kernels/kernelstest"
)

// paths are the instruction sets this machine can run.
func paths() []string {
	p := []string{"generic"}
	if hasAVX2() {
		p = append(p, "avx2")
	}
	if hasAVX512() {
		p = append(p, "avx512")
	}
	return p
}

// eachPath runs a test on every instruction set.
func eachPath(t *testing.T, test func(t *testing.T)) {
	for _, path := range paths() {
		t.Run(path, func(t *testing.T) {
			t.Setenv(pathVariable, path)
			test(t)
		})
	}
}

func TestConformance(t *testing.T) {
	eachPath(t, func(t *testing.T) {
		kernelstest.Run(t, func() (kernels.Backend, error) { return New(Options{Threads: 2}) })
	})
}

func BenchmarkKernels(b *testing.B) {
	kernelstest.Benchmark(b, func() (kernels.Backend, error) { return New(Options{}) })
}
