//go:build cuda || cudaemu

package bench_test

import (
	"errors"
	"testing"

	"dmtrain/internal/bench"
	"dmtrain/internal/gpu"
	"dmtrain/internal/kernels"
	"dmtrain/internal/kernels/cuda"
	"dmtrain/internal/tensor"
)

func openCUDA(t *testing.T) kernels.Backend {
	t.Helper()
	be, err := cuda.Open(0, cuda.Options{})
	if errors.Is(err, gpu.ErrUnavailable) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { be.Close() })
	return be
}

func TestDeviceMeasures(t *testing.T) {
	be := openCUDA(t)
	for _, dt := range []tensor.DType{tensor.Float32, tensor.BFloat16} {
		p, err := bench.MatMulPeak(t.Context(), be, dt)
		if err != nil || p.GflopsPerS <= 0 {
			t.Errorf("peak in %v: %+v, %v", dt, p, err)
		}
		f, err := bench.ParseForm("window:16+infill:0.2")
		if err != nil {
			t.Fatal(err)
		}
		r, err := bench.TimeAttention(be, bench.AttentionShape{B: 1, T: 128, H: 1, D: 32}, dt, f, 2)
		if err != nil {
			t.Fatal(err)
		}
		if !(r.ForwardMsMin > 0 && r.BackwardMsMin > 0) || r.MemoryBytes < int64(128*32*8*dt.Size()) {
			t.Errorf("attention in %v: %+v", dt, r)
		}
	}
}

// The device's clock counts its work, not what the host does meanwhile.
func TestProfilerReadsTheDevicesClock(t *testing.T) {
	p, err := bench.NewProfiler(openCUDA(t))
	if err != nil {
		t.Fatal(err)
	}
	x, err := p.Alloc(tensor.Float32, 1000)
	if err != nil {
		t.Fatal(err)
	}
	p.Upload(x, make([]float32, 1000))
	p.Scale(kernels.Scale{Y: x, X: x, N: 1000, Factor: 2})
	if err := p.Sync(); err != nil {
		t.Fatal(err)
	}
	by := shares(p, 1, 1)
	if by["memory"].Calls != 1 || by["elementwise"].Calls != 1 || by["elementwise"].MsPerStep <= 0 {
		t.Errorf("%+v", by)
	}
}
