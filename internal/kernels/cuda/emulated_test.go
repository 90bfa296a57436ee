//go:build cudaemu

package cuda_test

import (
	"os"
	"strconv"
	"testing"

	"dmtrain/internal/gpu/emulator"
)

// TestMain holds kernels to the operands they were given, in an order of threads that DMTRAIN_EMU_SEED chooses.
func TestMain(m *testing.M) {
	emulator.Strict(true)
	if seed, err := strconv.ParseUint(os.Getenv("DMTRAIN_EMU_SEED"), 10, 64); err == nil {
		emulator.Seed(seed)
	}
	os.Exit(m.Run())
}
