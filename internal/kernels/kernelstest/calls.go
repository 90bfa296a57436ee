package kernelstest

import (
	"dmtrain/internal/kernels"
	"dmtrain/internal/rng"
	"dmtrain/internal/tensor"
)

// call is one kernel's call with its arguments and how much work it is.
type call struct {
	name  string
	args  any
	with  func(args any) // makes the call with other arguments
	run   func()
	flops float64
	bytes float64 // that must at least move

	streams bool // moving them is the work, whatever is computed on the way
}

func newCall[Args any](name string, kernel func(Args), args Args, flops, bytes float64) call {
	return call{
		name: name, args: args, flops: flops, bytes: bytes,
		with: func(other any) { kernel(other.(Args)) },
		run:  func() { kernel(args) },
	}
}

// size is a model's shape.
type size struct{ b, t, c, h, v int }

func (z size) tokens() int { return z.b * z.t }

// everyCall is a call of every kernel, all optional operands present and every buffer exactly as long as it must be.
func everyCall(d *device, z size) []call {
	return append(append(append(linearCalls(d, z), rowCalls(d, z)...), attentionCalls(d, z)...), updateCalls(d, z)...)
}

func linearCalls(d *device, z size) []call {
	n, c, f := z.tokens(), z.c, tensor.Float32
	wide := 4 * c
	return []call{
		newCall("MatMul", d.k.MatMul, kernels.MatMul{
			C: d.alloc(f, n*wide), A: d.normal(f, 1, n*c), B: d.normal(f, 2, c*wide), M: n, N: wide, K: c,
			Bias: d.normal(f, 3, wide), Add: d.normal(f, 4, n*wide), Gelu: d.alloc(f, n*wide),
		}, 2*float64(n*wide*c), 4*float64(n*c+c*wide+3*n*wide)),
		newCall("MatMulTransA", d.k.MatMul, kernels.MatMul{
			C: d.alloc(f, c*wide), A: d.normal(f, 1, n*c), B: d.normal(f, 2, n*wide), M: c, N: wide, K: n, TransA: true,
		}, 2*float64(n*wide*c), 4*float64(n*c+c*wide+n*wide)),
		newCall("MatMulTransB", d.k.MatMul, kernels.MatMul{
			C: d.alloc(f, n*c), A: d.normal(f, 1, n*wide), B: d.normal(f, 2, c*wide), M: n, N: c, K: wide, TransB: true,
		}, 2*float64(n*wide*c), 4*float64(n*c+c*wide+n*wide)),
		newCall("MatVec", d.k.MatMul, kernels.MatMul{
			C: d.alloc(f, wide), A: d.normal(f, 1, c), B: d.normal(f, 2, c*wide), M: 1, N: wide, K: c,
		}, 0, 4*float64(c*wide)),
		newCall("BiasGrad", d.k.BiasGrad, kernels.BiasGrad{DBias: d.alloc(f, wide), DY: d.normal(f, 1, n*wide), Rows: n, Cols: wide}, 0, 4*float64(n*wide)),
	}
}

// ids is n token ids below v.
func (d *device) ids(n, v int) kernels.Buffer {
	x := make([]int32, n)
	for i := range x {
		x[i] = int32(rng.Below(1, rng.Probe, 0, 0, uint32(i), v))
	}
	return d.ints(x...)
}

// constants is n times v on the device.
func (d *device) constants(n int, v float32) kernels.Buffer {
	x := make([]float32, n)
	for i := range x {
		x[i] = v
	}
	return d.put(tensor.Float32, x)
}

func rowCalls(d *device, z size) []call {
	n, c, f := z.tokens(), z.c, tensor.Float32
	all := n * c
	hidden := make([]uint8, n)
	for i := range hidden {
		hidden[i] = uint8(i % 7 / 6)
	}
	at := make([]int32, n)
	for i := range at {
		at[i] = int32(n - 1 - i)
	}
	matrix := func(b kernels.Buffer) kernels.Strided { return kernels.Dense(b, c) }
	x, y, draw := d.normal(f, 1, all), d.normal(f, 2, all), d.ints(drawWords(1, 1, 0)...)
	out, vector := d.alloc(f, all), d.normal(f, 3, c)
	mean, rstd := d.constants(n, 0), d.constants(n, 1)
	moved := 4 * float64(all)
	return []call{
		newCall("Embed", d.k.Embed, kernels.Embed{Out: out, Table: d.normal(f, 4, z.v*c), IDs: d.ids(n, z.v), Add: x, N: n, V: z.v, C: c}, 0, 3*moved),
		newCall("EmbedBackward", d.k.EmbedBackward, kernels.EmbedBackward{
			DTable: d.alloc(f, z.v*c), DOut: x, IDs: d.ids(n, z.v), N: n, V: z.v, C: c,
		}, 0, 3*moved),
		newCall("PutRows", d.k.PutRows, kernels.PutRows{Dst: matrix(out), Src: matrix(x), At: d.ints(at...), N: n, C: c}, 0, 2*moved),
		newCall("GetRows", d.k.GetRows, kernels.GetRows{Dst: matrix(out), Src: matrix(x), At: d.ints(at...), N: n, C: c}, 0, 2*moved),
		newCall("LayerNorm", d.k.LayerNorm, kernels.LayerNorm{
			Y: out, X: x, Weight: vector, Bias: vector, Mean: d.alloc(f, n), RStd: d.alloc(f, n), Rows: n, Cols: c, Eps: normEps,
		}, 0, 2*moved),
		newCall("LayerNormBackward", d.k.LayerNormBackward, kernels.LayerNormBackward{
			DX: out, DWeight: d.alloc(f, c), DBias: d.alloc(f, c), DY: y, X: x, Weight: vector, Mean: mean, RStd: rstd, Add: y, Rows: n, Cols: c,
		}, 0, 4*moved),
		newCall("Add", d.k.Add, kernels.Add{Y: out, A: x, B: y, N: all}, 0, 3*moved),
		newCall("Scale", d.k.Scale, kernels.Scale{Y: out, X: x, N: all, Factor: 0.5}, 0, 2*moved),
		newCall("GeluBackward", d.k.GeluBackward, kernels.GeluBackward{DX: out, DY: y, X: x, N: all}, 0, 3*moved),
		newCall("Dropout", d.k.Dropout, kernels.Dropout{
			Y: out, X: x, Draw: draw, Purpose: rng.Dropout, Rate: 0.1, Rows: n, Cols: c, Lines: z.t,
		}, 0, 2*moved),
		newCall("Bernoulli", d.k.Bernoulli, kernels.Bernoulli{
			Hidden: d.alloc(tensor.Uint8, n), Rate: d.constants(n, 0.15), Draw: draw, B: z.b, T: z.t,
		}, 0, 5*float64(n)),
		newCall("MaskedFill", d.k.MaskedFill, kernels.MaskedFill{
			Y: out, X: x, Hidden: d.put(tensor.Uint8, hidden), Value: vector, Rows: n, Cols: c,
		}, 0, 2*moved),
		newCall("MaskedFillBackward", d.k.MaskedFillBackward, kernels.MaskedFillBackward{
			DX: out, DY: x, Hidden: d.put(tensor.Uint8, hidden), DValue: d.alloc(f, c), Rows: n, Cols: c,
		}, 0, 2*moved),
		crossEntropyCall(d, "CrossEntropy", n, z.v),
	}
}

func crossEntropyCall(d *device, name string, n, v int) call {
	f := tensor.Float32
	return newCall(name, d.k.CrossEntropy, kernels.CrossEntropy{
		Logits: d.normal(f, 1, n*v), Targets: d.ids(n, v), N: n, V: v, NLL: d.alloc(f, n), Conf: d.alloc(f, n), Entropy: d.alloc(f, n),
		Margin: d.alloc(f, n), Argmax: d.alloc(tensor.Int32, n), DLogits: d.alloc(f, n*v), Scale: d.constants(1, 1/float32(n)),
	}, 0, 8*float64(n*v))
}

// attentionCalls are causal, with a second interval that hides nothing and a few edges dropped, so that every operand is there.
func attentionCalls(d *device, z size) []call {
	m := newMask(z.b, z.t, z.t)
	causal(nil, m)
	m.second()
	return maskedAttention(d, "", z, m, 0.1)
}

// maskedAttention counts 2 products of D multiply-adds a visible pair forward and 5 backward.
func maskedAttention(d *device, suffix string, z size, m *hostMask, drop float32) []call {
	f, n, width := tensor.Float32, z.tokens()*z.c, z.c/z.h
	dense := func(b kernels.Buffer) kernels.Strided { return kernels.Dense(b, z.c) }
	q, k, v, dout := dense(d.normal(f, 1, n)), dense(d.normal(f, 2, n)), dense(d.normal(f, 3, n)), dense(d.normal(f, 4, n))
	lines, mask := z.b*z.h*z.t, d.mask(m, 0, z.b)
	edges := kernels.EdgeDrop{Rate: drop, Draw: d.ints(drawWords(1, 1, 0)...)}
	forward := kernels.AttentionForward{
		T: z.t, S: z.t, H: z.h, D: width, Q: q, K: k, V: v, Out: dense(d.alloc(f, n)), LSE: d.alloc(f, lines), Mask: mask, Drop: edges,
	}
	d.k.Attention(forward) // the way back starts from its Out and LSE
	flops := 4 * float64(m.pairs()*z.c)
	return []call{
		newCall("PrepareMask"+suffix, d.k.PrepareMask, mask, 0, 12*float64(z.tokens())),
		newCall("Attention"+suffix, d.k.Attention, forward, flops, 16*float64(n)),
		newCall("AttentionBackward"+suffix, d.k.AttentionBackward, kernels.AttentionBackward{
			T: z.t, S: z.t, H: z.h, D: width, DQ: dense(d.alloc(f, n)), DK: dense(d.alloc(f, n)), DV: dense(d.alloc(f, n)),
			Q: q, K: k, V: v, Out: forward.Out, DOut: dout, LSE: forward.LSE, Delta: d.alloc(f, lines), Mask: mask, Drop: edges,
		}, 2.5*flops, 32*float64(n)),
	}
}

// pairs counts visible pairs.
func (m *hostMask) pairs() int {
	n := 0
	for row := range m.batch {
		for i := range m.t {
			for j := range m.s {
				if m.visible(row, i, j) {
					n++
				}
			}
		}
	}
	return n
}

func updateCalls(d *device, z size) []call {
	n, f := z.c*z.c, tensor.Float32
	return []call{
		newCall("SquaredNorm", d.k.SquaredNorm, kernels.SquaredNorm{Out: d.alloc(f, 1), X: d.normal(f, 1, n), N: n}, 0, 4*float64(n)),
		newCall("AdamW", d.k.AdamW, kernels.AdamW{
			Param: d.normal(f, 1, n), Grad: d.normal(f, 2, n), M: d.alloc(f, n), V: d.alloc(f, n), Low: d.alloc(tensor.BFloat16, n), N: n,
			LR: 1e-3, Beta1: 0.9, Beta2: 0.99, Eps: 1e-8, Decay: 0.1, GradScale: 1, Step: 1,
		}, 0, 30*float64(n)),
	}
}
