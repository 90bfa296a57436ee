//go:build cuda || cudaemu

package train

import (
	"testing"

	"dmtrain/internal/task/fixture"
	"dmtrain/internal/task/lm"
)

// A step on a GPU is timed, profiled and held against the peak as one on the CPU is, by the device's own clock.
func TestBenchOnDevice(t *testing.T) {
	be := deviceOrSkip(t)
	c := fixture.Tiny()
	c.Bench.Vocab, c.Train.BatchSize = 16, 2
	r, err := measureSteps(t.Context(), be, c, lm.Task{}, 2)
	if err != nil {
		t.Fatal(err)
	}
	if !(r.StepMsMin > 0 && r.MatMulPeak > 0 && r.PercentOfPeak > 0) {
		t.Errorf("%+v", r)
	}
	if r.DeviceMemoryMiB < r.MemoryMiB*0.9 || r.DeviceMemoryMiB > r.MemoryMiB+64 {
		t.Errorf("%v MiB of the device held, %v MiB for the model", r.DeviceMemoryMiB, r.MemoryMiB)
	}
	shares, err := measureProfile(t.Context(), be, c, lm.Task{}, 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range shares {
		if s.Family != "between" && s.Family != "masking" && !(s.MsPerStep > 0 && s.Calls > 0) {
			t.Errorf("%+v", s)
		}
	}
}
