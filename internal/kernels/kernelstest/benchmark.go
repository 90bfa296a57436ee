package kernelstest

import (
	"fmt"
	"testing"

	"dmtrain/internal/kernels"
	"dmtrain/internal/tensor"
)

// Benchmark times every kernel on the backend that open returns, at the shapes of a model of 10 million parameters (width
// 384, 6 heads, 4 rows of 256 tokens), with products and attention at larger ones besides. It reports GB/s of
// the operands' own size, and GFLOP/s where products are the work (attention counts visible pairs only).
func Benchmark(b *testing.B, open func() (kernels.Backend, error)) {
	k, err := open()
	if err != nil {
		b.Fatal(err)
	}
	defer func() {
		if err := k.Close(); err != nil {
			b.Error(err)
		}
	}()
	z := size{b: 4, t: 256, c: 384, h: 6, v: 512}
	for _, group := range []struct {
		name  string
		calls func(*device) []call
	}{
		{"Linear", func(d *device) []call { return append(linearCalls(d, z), square(d, 256), square(d, 1024)) }},
		{"Rows", func(d *device) []call {
			return append(rowCalls(d, z), crossEntropyCall(d, "CrossEntropy/V=50257", 256, 50257))
		}},
		{"Update", func(d *device) []call { return updateCalls(d, size{c: 2048}) }},
		{"Attention", func(d *device) []call { return benchmarkAttention(d, z) }},
	} {
		b.Run(group.name, func(b *testing.B) {
			for _, c := range group.calls(&device{b, k}) {
				b.Run(c.name, func(b *testing.B) { c.benchmark(b, k) })
			}
		})
	}
}

func (c call) benchmark(b *testing.B, k kernels.Backend) {
	c.run() // a first call may compile, pack or start workers
	if err := k.Sync(); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		c.run()
	}
	if err := k.Sync(); err != nil {
		b.Fatal(err)
	}
	calls := float64(b.N) / b.Elapsed().Seconds() / 1e9
	b.ReportMetric(c.bytes*calls, "GB/s")
	if c.flops > 0 {
		b.ReportMetric(c.flops*calls, "GFLOP/s")
	}
}

func square(d *device, n int) call {
	f := tensor.Float32
	return newCall(fmt.Sprintf("MatMul%dCubed", n), d.k.MatMul, kernels.MatMul{
		C: d.alloc(f, n*n), A: d.normal(f, 1, n*n), B: d.normal(f, 2, n*n), M: n, N: n, K: n,
	}, 2*float64(n)*float64(n)*float64(n), 12*float64(n*n))
}

// benchmarkAttention takes masks of several densities at the model's shape, and a long causal one.
func benchmarkAttention(d *device, z size) []call {
	var calls []call
	add := func(f maskFamily, z size) {
		m := newMask(z.b, z.t, z.t)
		f.make(nil, m)
		calls = append(calls, maskedAttention(d, fmt.Sprintf("/%s/T=%d", f.name, z.t), z, m, 0)...)
	}
	for _, f := range maskFamilies() {
		switch f.name {
		case "full", "causal", "window", "packed":
			add(f, z)
		}
	}
	add(maskFamily{"causal", causal}, size{b: 1, t: 2048, c: 512, h: 8})
	return calls
}
