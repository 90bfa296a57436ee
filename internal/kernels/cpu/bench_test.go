package cpu

import (
	"fmt"
	"math"
	"testing"
	"time"

	"dmtrain/internal/kernels"
	"dmtrain/internal/rng"
	"dmtrain/internal/tensor"
)

// timeCalls runs a call b.N times and reports its rate, so much work a call: the mean, and that of the fastest call,
// which on a machine shared with others is the figure to compare.
func timeCalls(b *testing.B, work float64, unit string, call func()) {
	call() // the first call makes scratch memory and wakes the workers
	fastest := time.Duration(math.MaxInt64)
	for b.Loop() {
		start := time.Now()
		call()
		fastest = min(fastest, time.Since(start))
	}
	b.ReportMetric(work*float64(b.N)/b.Elapsed().Seconds()/1e9, unit)
	b.ReportMetric(work/fastest.Seconds()/1e9, "best-"+unit)
}

// BenchmarkMatMul runs a large square and the shapes of the two benchmark models: 0.8m has 768 tokens of width
// 128, 10m has 1024 of width 384.
func BenchmarkMatMul(b *testing.B) {
	for _, s := range []struct {
		name           string
		m, n, k        int
		transA, transB bool
	}{
		{"square", 1024, 1024, 1024, false, false},
		{"0.8m/qkv", 768, 384, 128, false, false},
		{"0.8m/proj", 768, 128, 128, false, false},
		{"0.8m/fc", 768, 512, 128, false, false},
		{"0.8m/out", 768, 128, 512, false, false},
		{"0.8m/logits", 768, 96, 128, false, true},
		{"0.8m/qkv-dx", 768, 128, 384, false, true},
		{"0.8m/qkv-dw", 128, 384, 768, true, false},
		{"0.8m/proj-dw", 128, 128, 768, true, false},
		{"0.8m/fc-dw", 128, 512, 768, true, false},
		{"10m/qkv", 1024, 1152, 384, false, false},
		{"10m/fc", 1024, 1536, 384, false, false},
		{"10m/out", 1024, 384, 1536, false, false},
		{"10m/fc-dx", 1024, 384, 1536, false, true},
		{"10m/fc-dw", 384, 1536, 1024, true, false},
		{"decode/1", 1, 3072, 768, false, false},
		{"decode/8", 8, 3072, 768, false, false},
		{"decode/logits", 1, 50257, 768, false, true},
	} {
		for _, threads := range []int{1, 2} {
			b.Run(fmt.Sprintf("%s/threads=%d", s.name, threads), func(b *testing.B) {
				k := open(b, threads)
				call := kernels.MatMul{
					A: floats(b, k, 1, s.m*s.k), B: floats(b, k, 2, s.k*s.n), C: floats(b, k, 0, s.m*s.n),
					M: s.m, N: s.n, K: s.k, TransA: s.transA, TransB: s.transB,
				}
				timeCalls(b, 2*float64(s.m)*float64(s.n)*float64(s.k), "GFLOP/s", func() { k.MatMul(call) })
			})
		}
	}
}

func floats(tb testing.TB, k kernels.Backend, stream uint32, n int) kernels.Buffer {
	tb.Helper()
	buf, err := k.Alloc(tensor.Float32, n)
	if err != nil {
		tb.Fatal(err)
	}
	if stream > 0 {
		k.Upload(buf, normals(stream, n))
	}
	return buf
}

// normals repeats a stretch of standard normal draws.
func normals(stream uint32, n int) []float32 {
	const stretch = 1<<16 + 1
	v := make([]float32, n)
	for i := range min(n, stretch) {
		v[i] = float32(rng.Normal(7, rng.Probe, 0, stream, uint32(i)))
	}
	for i := stretch; i < n; i++ {
		v[i] = v[i-stretch]
	}
	return v
}
