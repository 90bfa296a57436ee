package kernelstest

import (
	"fmt"

	"dmtrain/internal/kernels"
	"dmtrain/internal/kernels/fixture"
	"dmtrain/internal/tensor"
)

// benchmarkAttention takes masks of several densities at the model's shape, and a long causal one.
func benchmarkAttention(d *device, z fixture.Shape) []timed {
	var calls []timed
	add := func(f maskFamily, z fixture.Shape) {
		m := newMask(z.Batch, z.T, z.T)
		f.make(&trial{TB: d.TB, seed: 1}, m)
		calls = append(calls, maskedAttention(d, fmt.Sprintf("/%s/T=%d", f.name, z.T), z, m, 0)...)
	}
	for _, f := range maskFamilies() {
		switch f.name {
		case "full", "causal", "window", "packed", "slots", "sinks":
			add(f, z)
		}
	}
	add(maskFamily{"causal", causal}, fixture.Shape{
		Batch: 1,
		T:     2048,
		Width: 512,
		Heads: 8,
	})
	m := newMask(z.Batch, z.T, z.T)
	causal(nil, m)
	calls = append(calls, maskedAttention(d, fmt.Sprintf("/causal-edges-dropped/T=%d", z.T), z, m, 0.1)[1:]...)
	return append(calls, decodingCall(d, 8, 1024, z))
}

// maskedAttention prepares a mask, and goes through attention forward and backward.
func maskedAttention(d *device, suffix string, z fixture.Shape, m *hostMask, drop float32) []timed {
	f, tokens, width := tensor.Float32, z.Batch*z.T, z.Width/z.Heads
	n := tokens * z.Width
	dense := func(b kernels.Buffer) kernels.Strided { return kernels.Dense(b, z.Width) }
	forward := kernels.AttentionForward{
		T:    z.T,
		S:    z.T,
		H:    z.Heads,
		D:    width,
		Q:    dense(d.normal(f, 1, n)),
		K:    dense(d.normal(f, 2, n)),
		V:    dense(d.normal(f, 3, n)),
		Out:  dense(d.alloc(f, n)),
		LSE:  d.alloc(f, tokens*z.Heads),
		Mask: d.mask(m, 0, z.Batch),
		Drop: kernels.EdgeDrop{Rate: drop, Draw: d.ints(drawWords(1, 1, 0)...)},
	}
	backward := kernels.AttentionBackward{
		T:     z.T,
		S:     z.T,
		H:     z.Heads,
		D:     width,
		DQ:    dense(d.alloc(f, n)),
		DK:    dense(d.alloc(f, n)),
		DV:    dense(d.alloc(f, n)),
		Q:     forward.Q,
		K:     forward.K,
		V:     forward.V,
		Out:   forward.Out,
		DOut:  dense(d.normal(f, 4, n)),
		LSE:   forward.LSE,
		Delta: d.alloc(f, tokens*z.Heads),
		Mask:  forward.Mask,
		Drop:  forward.Drop,
	}
	d.k.Attention(forward) // the way back starts from its Out and LSE
	pairs := m.pairs()
	return []timed{
		{name: "PrepareMask" + suffix, run: func() { d.k.PrepareMask(forward.Mask) }, bytes: 12 * float64(tokens)},
		{name: "Attention" + suffix, run: func() { d.k.Attention(forward) }, flops: forward.Flops(pairs)},
		{
			name:  "AttentionBackward" + suffix,
			run:   func() { d.k.AttentionBackward(backward) },
			flops: backward.Flops(pairs),
		},
	}
}

// decodingCall is one query a row against s cached keys and values: moving them is the work, whatever is computed
// on the way.
func decodingCall(d *device, rows, s int, z fixture.Shape) timed {
	matrix := func(stream uint32, n int) kernels.Strided {
		return kernels.Dense(d.normal(tensor.Float32, stream, n*z.Width), z.Width)
	}
	keys := rows * s
	a := kernels.AttentionForward{
		T:    1,
		S:    s,
		H:    z.Heads,
		D:    z.Width / z.Heads,
		Q:    matrix(1, rows),
		K:    matrix(2, keys),
		V:    matrix(3, keys),
		Out:  matrix(4, rows),
		LSE:  d.alloc(tensor.Float32, rows*z.Heads),
		Mask: d.mask(newMask(rows, 1, s), 0, rows),
	}
	name := fmt.Sprintf("Attention/decode/S=%d", s)
	return timed{name: name, run: func() { d.k.Attention(a) }, bytes: 8 * float64(keys*z.Width)}
}
