package ref_test

import (
	"testing"

	"dmtrain/internal/kernels"
	"dmtrain/internal/kernels/kernelstest"
	"dmtrain/internal/kernels/ref"
)

func open() (kernels.Backend, error) { return ref.New(), nil }

// The values agree by construction; what this shows is that no input changes, no element stays unwritten, nothing is
// written outside, and that the suite and the reference agree on the rest of the contract.
func TestConformance(t *testing.T) {
	kernelstest.Run(t, open, kernelstest.BFloat16, kernelstest.Allocates)
}
