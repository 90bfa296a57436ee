package cpu

import (
	"testing"

	"dmtrain/internal/kernels"
	"dmtrain/internal/kernels/kernelstest"
)

// runnable are the names of the paths this machine can run, the best first.
func runnable() []string {
	var names []string
	for _, p := range paths() {
		if len(p.lacks()) == 0 {
			names = append(names, p.name)
		}
	}
	return names
}

// eachPath runs a test on every instruction set.
func eachPath(t *testing.T, test func(t *testing.T)) {
	for _, path := range runnable() {
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
