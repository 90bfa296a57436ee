//go:build cuda || cudaemu

package train

import (
	"testing"

	"dmtrain/internal/kernels"
	"dmtrain/internal/task/fixture"
)

// Steps of pairs, their hidden sources and targets and the average of the parameters come out on a device as on the
// CPU, up to rounding.
func TestPairsOnDevice(t *testing.T) {
	be := deviceOrSkip(t)
	host := openCPU(t, 2)
	c := fixture.Pairs()
	c.Data.Train, c.Data.Pairs.BatchTokens = []string{"builtin:dates?n=30"}, 150
	a, b := pairStepper(t, be, c), pairStepper(t, host, c)
	together(t, a, b, 3, func(step int, got, want result) { near(t, step, got, want) })
	mean := func(be kernels.Backend, s *stepper) []float32 {
		v := make([]float32, s.model.Params.Len())
		if err := be.Download(v, s.average.Mean); err != nil {
			t.Fatal(err)
		}
		return v
	}
	if apart := distance(mean(be, a), mean(host, b)); !(apart <= 1e-4) {
		t.Errorf("the averages are %v of their norm apart", apart)
	}
}
