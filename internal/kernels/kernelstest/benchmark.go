package kernelstest

import (
	"fmt"
	"strings"
	"testing"

	"dmtrain/internal/kernels"
	"dmtrain/internal/kernels/fixture"
	"dmtrain/internal/tensor"
)

// timed is what a benchmark repeats, and how much work it is.
type timed struct {
	name string
	run  func()
	// where products are the work: multiply-adds, counted twice; else bytes that must at least move
	flops, bytes float64
}

// Benchmark times every operation on the backend that open returns, at the shapes of a model of 10 million
// parameters (width 384, 6 heads, 4 rows of 256 tokens), with products and attention at larger ones besides. It
// reports GB/s of the operands' own size, or GFLOP/s where products are the work (attention counts visible pairs
// only).
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
	z := fixture.Shape{
		Batch: 4,
		T:     256,
		Width: 384,
		Heads: 6,
		Inner: 4 * 384,
		Vocab: 512,
	}
	for _, group := range []struct {
		name  string
		calls func(*device) []timed
	}{
		{"Operations", func(d *device) []timed { return benchmarkExamples(d, z) }},
		{"Linear", func(d *device) []timed { return []timed{square(d, 256), square(d, 1024)} }},
		{"Loss", func(d *device) []timed { return []timed{wideCrossEntropy(d, 256, 50257)} }},
		{"Memory", func(d *device) []timed { return memoryCalls(d, 1<<20) }},
		{"Update", func(d *device) []timed { return benchmarkUpdate(d) }},
		{"Attention", func(d *device) []timed { return benchmarkAttention(d, z) }},
	} {
		b.Run(group.name, func(b *testing.B) {
			for _, c := range group.calls(&device{b, k}) {
				b.Run(c.name, func(b *testing.B) { c.benchmark(b, k) })
			}
		})
	}
}

func (c timed) benchmark(b *testing.B, k kernels.Backend) {
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
	if c.flops > 0 {
		b.ReportMetric(c.flops*calls, "GFLOP/s")
	} else {
		b.ReportMetric(c.bytes*calls, "GB/s")
	}
}

// benchmarkExamples are all but attention, whose work is its mask's, and the optimiser's calls, which are long.
func benchmarkExamples(d *device, z fixture.Shape) []timed {
	var all []timed
	for _, e := range fixture.Examples() {
		if e.Op.Family == kernels.FamilyAttention || e.Op.Family == kernels.FamilyOptim {
			continue
		}
		c := d.example(e, z)
		one := timed{name: strings.ReplaceAll(e.Name, " ", "-"), run: c.Run, bytes: c.Bytes}
		if a, ok := c.Args.(kernels.MatMul); ok && a.M > 1 {
			one.flops = e.Op.Flops(a, nil)
		}
		all = append(all, one)
	}
	return all
}

// benchmarkUpdate are the optimiser's calls on 4 million parameters.
func benchmarkUpdate(d *device) []timed {
	var all []timed
	for _, e := range fixture.Examples() {
		if e.Op.Family == kernels.FamilyOptim {
			c := d.example(e, fixture.Shape{Batch: 1, T: 2048, Width: 2048})
			all = append(all, timed{name: e.Name, run: c.Run, bytes: c.Bytes})
		}
	}
	return all
}

// wideCrossEntropy is the loss of n tokens over v classes.
func wideCrossEntropy(d *device, n, v int) timed {
	f := tensor.Float32
	a := kernels.CrossEntropy{
		Logits:  d.normal(f, 1, n*v),
		Targets: d.ids(n, v),
		N:       n,
		V:       v,
		NLL:     d.alloc(f, n),
		Conf:    d.alloc(f, n),
		Entropy: d.alloc(f, n),
		Margin:  d.alloc(f, n),
		Argmax:  d.alloc(tensor.Int32, n),
		DLogits: d.alloc(f, n*v),
		Scale:   d.constants(1, 1/float32(n)),
	}
	return timed{
		name:  fmt.Sprintf("CrossEntropy/V=%d", v),
		run:   func() { d.k.CrossEntropy(a) },
		bytes: 8 * float64(n*v),
	}
}

func square(d *device, n int) timed {
	f := tensor.Float32
	a := kernels.MatMul{
		C: d.alloc(f, n*n),
		A: d.normal(f, 1, n*n),
		B: d.normal(f, 2, n*n),
		M: n,
		N: n,
		K: n,
	}
	return timed{
		name:  fmt.Sprintf("MatMul%dCubed", n),
		run:   func() { d.k.MatMul(a) },
		flops: 2 * float64(n) * float64(n) * float64(n),
	}
}

// memoryCalls move n floats between host and device and within it.
func memoryCalls(d *device, n int) []timed {
	f := tensor.Float32
	host, x, y := make([]float32, n), d.alloc(f, n), d.alloc(f, n)
	var boxed any = host
	moved := 4 * float64(n)
	return []timed{
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
