package bench_test

import (
	"context"
	"errors"
	"testing"

	"dmtrain/internal/bench"
	"dmtrain/internal/kernels"
	"dmtrain/internal/tensor"
)

func TestMatMulPeak(t *testing.T) {
	p, err := bench.MatMulPeak(t.Context(), openCPU(t), tensor.Float32)
	if err != nil {
		t.Fatal(err)
	}
	if p.GflopsPerS <= 0 || p.N < 64 {
		t.Errorf("%+v", p)
	}
}

func TestMatMulPeakIsInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := bench.MatMulPeak(ctx, openCPU(t), tensor.Float32); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

// crowded has room for so many elements in one allocation.
type crowded struct {
	kernels.Backend
	room int
}

var errCrowded = errors.New("no room")

func (c crowded) Alloc(t tensor.DType, n int) (kernels.Buffer, error) {
	if n > c.room {
		return nil, errCrowded
	}
	return c.Backend.Alloc(t, n)
}

func TestMatMulPeakMakesDoWithLittleRoom(t *testing.T) {
	p, err := bench.MatMulPeak(t.Context(), crowded{openCPU(t), 128 * 128}, tensor.Float32)
	if err != nil || p.N > 128 || p.GflopsPerS <= 0 {
		t.Errorf("%+v, %v", p, err)
	}
	if _, err := bench.MatMulPeak(t.Context(), crowded{openCPU(t), 10}, tensor.Float32); !errors.Is(err, errCrowded) {
		t.Errorf("no room at all: %v", err)
	}
}
