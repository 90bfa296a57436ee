//go:build cuda || cudaemu

package train

import (
	"math"
	"testing"

	"dmtrain/internal/kernels"
)

// Steps of pairs, their hidden sources and targets and the average of the parameters come out on a device as on the CPU, up to rounding.
func TestPairsOnDevice(t *testing.T) {
	be := deviceOrSkip(t)
	host := openCPU(t, 2)
	c := tinyPairs()
	c.Data.Train, c.Data.Pairs.BatchTokens = []string{"builtin:dates?n=30"}, 150
	a, b := pairStepper(t, be, c), pairStepper(t, host, c)
	for step := range 3 {
		got, err := a.step(step)
		if err != nil {
			t.Fatal(err)
		}
		want, err := b.step(step)
		if err != nil {
			t.Fatal(err)
		}
		if got.Supervised != want.Supervised || math.Abs(got.Loss-want.Loss) > 1e-5*want.Loss || math.Abs(got.GradNorm-want.GradNorm) > 1e-4*want.GradNorm {
			t.Errorf("step %d: %+v, on the CPU %+v", step, got, want)
		}
	}
	mean := func(be kernels.Backend, s *stepper) []float32 {
		v := make([]float32, s.params.Len())
		if err := be.Download(v, s.average.Mean); err != nil {
			t.Fatal(err)
		}
		return v
	}
	got, want := mean(be, a), mean(host, b)
	apart, norm := 0.0, 0.0
	for i := range want {
		apart += math.Pow(float64(got[i]-want[i]), 2)
		norm += math.Pow(float64(want[i]), 2)
	}
	if !(apart <= 1e-8*norm) {
		t.Errorf("the averages are %v apart, of norm %v", math.Sqrt(apart), math.Sqrt(norm))
	}
}
