package cpu

import (
	"fmt"
	"math"
	"testing"

	"dmtrain/internal/kernels"
	"dmtrain/internal/tensor"
)

// attentionCase is one attention of 8 heads of 64 and the operands of both directions.
type attentionCase struct {
	forward  kernels.AttentionForward
	backward kernels.AttentionBackward
	visible  float64 // pairs, all heads
}

// newAttentionCase lets every query see itself and the window−1 positions before it.
func newAttentionCase(tb testing.TB, k kernels.Backend, batch, t, window int) attentionCase {
	tb.Helper()
	const h, d = 8, 64
	n := batch * t
	mask := kernels.Mask{Batch: batch, T: t, S: t}
	visible := 0
	vector := func(f func(i int) int32) kernels.Buffer {
		v := make([]int32, n)
		for i := range v {
			v[i] = f(i % t)
		}
		buf, err := k.Alloc(tensor.Int32, n)
		if err != nil {
			tb.Fatal(err)
		}
		k.Upload(buf, v)
		return buf
	}
	mask.Pos = vector(func(i int) int32 { return int32(i) })
	mask.Hi = mask.Pos
	mask.Lo = vector(func(i int) int32 {
		visible += h * min(i+1, window)
		return int32(max(0, i-window+1))
	})
	tables, err := k.Alloc(tensor.Int32, k.MaskTablesLen(batch, t, t))
	if err != nil {
		tb.Fatal(err)
	}
	mask.Tables = tables
	k.PrepareMask(mask)

	size := n * h * d
	qkv, grad := floats(tb, k, 1, 3*size), floats(tb, k, 0, 3*size)
	column := func(buf kernels.Buffer, i int) kernels.Strided {
		return kernels.Strided{Buf: buf, Offset: i * h * d, Stride: 3 * h * d}
	}
	out, dout := kernels.Dense(floats(tb, k, 0, size), h*d), kernels.Dense(floats(tb, k, 2, size), h*d)
	lse, delta := floats(tb, k, 0, n*h), floats(tb, k, 0, n*h)
	c := attentionCase{visible: float64(visible)}
	c.forward = kernels.AttentionForward{
		T:    t,
		S:    t,
		H:    h,
		D:    d,
		Q:    column(qkv, 0),
		K:    column(qkv, 1),
		V:    column(qkv, 2),
		Out:  out,
		LSE:  lse,
		Mask: mask,
	}
	c.backward = kernels.AttentionBackward{
		T:     t,
		S:     t,
		H:     h,
		D:     d,
		DQ:    column(grad, 0),
		DK:    column(grad, 1),
		DV:    column(grad, 2),
		Q:     column(qkv, 0),
		K:     column(qkv, 1),
		V:     column(qkv, 2),
		Out:   out,
		DOut:  dout,
		LSE:   lse,
		Delta: delta,
		Mask:  mask,
	}
	return c
}

// BenchmarkAttention counts the arithmetic of visible pairs: two products of 2·64 operations forward, five backward.
func BenchmarkAttention(b *testing.B) {
	const d = 64
	for _, s := range []struct {
		name             string
		batch, t, window int
	}{
		{"causal/T=64", 12, 64, math.MaxInt32},
		{"causal/T=256", 4, 256, math.MaxInt32},
		{"causal/T=1024", 1, 1024, math.MaxInt32},
		{"window64/T=1024", 1, 1024, 64},
		{"causal/T=4096", 1, 4096, math.MaxInt32},
	} {
		for _, threads := range []int{1, 2} {
			b.Run(fmt.Sprintf("%s/forward/threads=%d", s.name, threads), func(b *testing.B) {
				k := open(b, threads)
				c := newAttentionCase(b, k, s.batch, s.t, s.window)
				timeCalls(b, 2*2*d*c.visible, "GFLOP/s", func() { k.Attention(c.forward) })
			})
			b.Run(fmt.Sprintf("%s/backward/threads=%d", s.name, threads), func(b *testing.B) {
				k := open(b, threads)
				c := newAttentionCase(b, k, s.batch, s.t, s.window)
				k.Attention(c.forward)
				timeCalls(b, 5*2*d*c.visible, "GFLOP/s", func() { k.AttentionBackward(c.backward) })
			})
		}
	}
}
