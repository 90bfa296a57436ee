package bench_test

import (
	"math"
	"testing"

	"dmtrain/internal/bench"
	"dmtrain/internal/kernels"
	"dmtrain/internal/kernels/cpu"
	"dmtrain/internal/kernels/kernelstest"
	"dmtrain/internal/tensor"
)

func openCPU(t *testing.T) kernels.Backend {
	t.Helper()
	be, err := cpu.New(cpu.Options{Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { be.Close() })
	return be
}

// Whatever is asked of a profiler, the other backend does.
func TestProfilerConforms(t *testing.T) {
	kernelstest.Run(t, func() (kernels.Backend, error) {
		be, err := cpu.New(cpu.Options{Threads: 2})
		if err != nil {
			return nil, err
		}
		return bench.NewProfiler(be)
	}, kernelstest.Allocates)
}

// shares are a profile's by name.
func shares(p *bench.Profiler, steps int, seconds float64) map[string]bench.Share {
	by := map[string]bench.Share{}
	for _, s := range p.Shares(steps, seconds) {
		by[s.Family] = s
	}
	return by
}

func TestProfilerChargesFamilies(t *testing.T) {
	p, err := bench.NewProfiler(openCPU(t))
	if err != nil {
		t.Fatal(err)
	}
	const n = 96
	a, err := p.Alloc(tensor.Float32, n*n)
	if err != nil {
		t.Fatal(err)
	}
	c, err := p.Alloc(tensor.Float32, n*n)
	if err != nil {
		t.Fatal(err)
	}
	p.Zero(a)
	p.Reset()
	for range 4 {
		p.MatMul(kernels.MatMul{C: c, A: a, B: a, M: n, N: n, K: n})
		p.Scale(kernels.Scale{Y: c, X: c, N: n * n, Factor: 2})
	}
	if err := p.Sync(); err != nil {
		t.Fatal(err)
	}
	const seconds = 10
	by := shares(p, 2, seconds)
	product := by["matmul"]
	if product.Calls != 2 || by["elementwise"].Calls != 2 || by["memory"].Calls != 0 {
		t.Errorf("calls a step: %+v", by)
	}
	if flops := product.GflopsPerS * 1e9 * product.MsPerStep / 1e3; math.Abs(flops/(2*2*n*n*n)-1) > 1e-9 {
		t.Errorf("two products of width %d are charged %v operations", n, flops)
	}
	if by["elementwise"].GflopsPerS != 0 {
		t.Error("a rate of arithmetic where memory is the work")
	}
	total, ms := 0.0, 0.0
	for _, s := range by {
		total, ms = total+s.Share, ms+s.MsPerStep
	}
	if math.Abs(total-1) > 1e-9 {
		t.Errorf("shares add up to %v", total)
	}
	if ms > 1e3*seconds/2 || ms < 0.9e3*seconds/2 {
		t.Errorf("%v ms a step of 5 s", ms)
	}
}

// A fault that the profiler's own waiting finds is still the next Sync's.
func TestProfilerKeepsFaults(t *testing.T) {
	p, err := bench.NewProfiler(openCPU(t))
	if err != nil {
		t.Fatal(err)
	}
	table, _ := p.Alloc(tensor.Float32, 4)
	out, _ := p.Alloc(tensor.Float32, 4)
	ids, err := p.Alloc(tensor.Int32, 1)
	if err != nil {
		t.Fatal(err)
	}
	p.Upload(ids, []int32{7})
	p.Embed(kernels.Embed{Out: out, Table: table, IDs: ids, N: 1, V: 1, C: 4})
	p.Zero(out)
	if p.Sync() == nil {
		t.Error("an id outside its table went unnoticed")
	}
	if err := p.Sync(); err != nil {
		t.Errorf("the fault is told twice: %v", err)
	}
}
