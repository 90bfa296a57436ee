package optim_test

import (
	"errors"
	"testing"

	"dmtrain/internal/backend"
	"dmtrain/internal/gpu"
	"dmtrain/internal/kernels"
	"dmtrain/internal/kernels/ref"
)

// eachBackend runs a test on the reference, on the CPU, and on a device, real or emulated, where there is one.
func eachBackend(t *testing.T, test func(t *testing.T, be kernels.Backend)) {
	t.Run("ref", func(t *testing.T) { test(t, ref.New()) })
	for _, device := range []string{"cpu", "cuda"} {
		be, err := backend.Open(device)
		if errors.Is(err, gpu.ErrUnavailable) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		t.Run(device, func(t *testing.T) { test(t, be) })
		if err := be.Close(); err != nil {
			t.Error(err)
		}
	}
}
