//go:build cuda || cudaemu

package model_test

import (
	"errors"
	"testing"

	"dmtrain/internal/gpu"
	"dmtrain/internal/kernels/cuda"
)

// device is the GPU there is, real or emulated. Its products are those of the project's own kernels.
func device(t *testing.T) []namedBackend {
	be, err := cuda.Open(0, cuda.Options{NoBLAS: true})
	if errors.Is(err, gpu.ErrUnavailable) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { be.Close() })
	return []namedBackend{{"cuda", be}}
}
