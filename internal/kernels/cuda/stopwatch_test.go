//go:build cuda || cudaemu

package cuda_test

import (
	"errors"
	"strings"
	"testing"

	"dmtrain/internal/gpu"
	"dmtrain/internal/kernels"
	"dmtrain/internal/kernels/cuda"
	"dmtrain/internal/tensor"
)

// A fault that a kernel found in its inputs outlives a stopwatch, which waits for the device without looking for any.
func TestStopwatchLosesNoFault(t *testing.T) {
	b, err := cuda.Open(0, cuda.Options{NoBLAS: true})
	if errors.Is(err, gpu.ErrUnavailable) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	alloc := func(dt tensor.DType, n int) kernels.Buffer {
		x, err := b.Alloc(dt, n)
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
	targets := alloc(tensor.Int32, 1)
	b.Upload(targets, []int32{77})
	w, err := b.NewStopwatch()
	if err != nil {
		t.Fatal(err)
	}
	w.Start()
	b.CrossEntropy(kernels.CrossEntropy{
		Logits:  alloc(tensor.Float32, 4),
		Targets: targets,
		N:       1,
		V:       4,
		NLL:     alloc(tensor.Float32, 1),
	})
	if _, err := w.Stop(); err != nil {
		t.Fatal(err)
	}
	if err := b.Sync(); err == nil || !strings.Contains(err.Error(), "cross entropy") {
		t.Errorf("after Stop, Sync says %v", err)
	}
	if err := b.Sync(); err != nil {
		t.Errorf("the fault outlived Sync: %v", err)
	}
}
