package kernelstest

import (
	"fmt"
	"testing"

	"dmtrain/internal/kernels"
	"dmtrain/internal/tensor"
)

// Benchmark times every operation on the backend that open returns, at the shapes of a model of 10 million parameters (width
// 384, 6 heads, 4 rows of 256 tokens), with products and attention at larger ones besides. It reports GB/s of
// the operands' own size, or GFLOP/s where products are the work (attention counts visible pairs only).
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
		{"Memory", func(d *device) []call { return memoryCalls(d, 1<<20) }},
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
	if c.flops > 0 && !c.streams {
		b.ReportMetric(c.flops*calls, "GFLOP/s")
	} else {
		b.ReportMetric(c.bytes*calls, "GB/s")
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
		f.make(&trial{TB: d.TB, seed: 1}, m)
		calls = append(calls, maskedAttention(d, fmt.Sprintf("/%s/T=%d", f.name, z.t), z, m, 0)...)
	}
	for _, f := range maskFamilies() {
		switch f.name {
		case "full", "causal", "window", "packed", "slots", "sinks":
			add(f, z)
		}
	}
	add(maskFamily{"causal", causal}, size{b: 1, t: 2048, c: 512, h: 8})
	m := newMask(z.b, z.t, z.t)
	causal(nil, m)
	calls = append(calls, maskedAttention(d, fmt.Sprintf("/causal-edges-dropped/T=%d", z.t), z, m, 0.1)[1:]...)
	return append(calls, decodingCall(d, 8, 1024, z))
}

// decodingCall is one query a row against s cached keys and values, which streams them.
func decodingCall(d *device, rows, s int, z size) call {
	f, width := tensor.Float32, z.c/z.h
	m := newMask(rows, 1, s)
	matrix := func(stream uint32, n int) kernels.Strided { return kernels.Dense(d.normal(f, stream, n*z.c), z.c) }
	keys := rows * s
	c := newCall(fmt.Sprintf("Attention/decode/S=%d", s), d.k.Attention, kernels.AttentionForward{
		T: 1, S: s, H: z.h, D: width, Q: matrix(1, rows), K: matrix(2, keys), V: matrix(3, keys), Out: matrix(4, rows),
		LSE: d.alloc(f, rows*z.h), Mask: d.mask(m, 0, rows),
	}, 4*float64(keys*z.c), 8*float64(keys*z.c))
	c.streams = true
	return c
}

// memoryCalls move n floats between host and device and within it.
func memoryCalls(d *device, n int) []call {
	f := tensor.Float32
	host, x, y := make([]float32, n), d.alloc(f, n), d.alloc(f, n)
	var boxed any = host
	moved := 4 * float64(n)
	return []call{
		{name: "Upload", bytes: moved, run: func() { d.k.Upload(x, boxed) }},
		{name: "Download", bytes: moved, run: func() {
			if err := d.k.Download(boxed, x); err != nil {
				d.Fatal(err)
			}
		}},
		{name: "Copy", bytes: 2 * moved, run: func() { d.k.Copy(y, x) }},
		{name: "Zero", bytes: moved, run: func() { d.k.Zero(y) }},
	}
}
