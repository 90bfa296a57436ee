package doctor

import (
	"dmtrain/internal/kernels"
	"dmtrain/internal/rng"
	"dmtrain/internal/tensor"
)

// operation is a call, or a call and its gradient, on small operands. Its outputs are marked on the desk.
type operation struct {
	name string
	call func(d *desk)
}

// The operands' shape: uneven, so that edges of vectors and tiles are met.
const (
	rows, seq  = 2, 37 // batch rows, tokens of each
	heads      = 2
	width      = 64 // of a token
	tokens     = rows * seq
	wide       = 3*width + 1
	vocabulary = 101
	normEps    = 1e-5
)

// operations are all of package kernels'.
func operations() []operation {
	return []operation{
		{"matmul", matmul}, {"bias gradient", biasGrad},
		{"embed", embed}, {"rows", moveRows},
		{"layernorm", layerNorm}, {"elementwise", elementwise}, {"dropout", dropout},
		{"bernoulli", bernoulli}, {"masked fill", maskedFill},
		{"attention, causal", func(d *desk) { attention(d, causal, 0) }},
		{"attention, slots", func(d *desk) { attention(d, slots, 0) }},
		{"attention, dropping edges", func(d *desk) { attention(d, causal, 0.2) }},
		{"cross-entropy", crossEntropy},
		{"squared norm", squaredNorm}, {"adamw", adamW},
	}
}

func matmul(d *desk) {
	x, w := d.normal(tokens*width), d.normal(width*wide)
	c := d.floats("C", tokens*wide, width)
	d.MatMul(kernels.MatMul{C: c, A: x, B: w, M: tokens, N: wide, K: width,
		Bias: d.normal(wide), Add: d.normal(tokens * wide), Gelu: d.floats("gelu", tokens*wide, width)})
	dy := d.normal(tokens * wide)
	d.MatMul(kernels.MatMul{C: d.floats("dA", tokens*width, wide), A: dy, B: w, M: tokens, N: width, K: wide, TransB: true})
	d.MatMul(kernels.MatMul{C: d.singles("dB", width*wide, tokens), A: x, B: dy, M: width, N: wide, K: tokens, TransA: true})
	d.MatMul(kernels.MatMul{C: d.floats("row", wide, width), A: x, B: w, M: 1, N: wide, K: width})
}

func biasGrad(d *desk) {
	d.BiasGrad(kernels.BiasGrad{DBias: d.out("dbias", d.single(wide), tokens), DY: d.normal(tokens * wide), Rows: tokens, Cols: wide})
}

func embed(d *desk) {
	ids := d.below(tokens, vocabulary)
	d.Embed(kernels.Embed{Out: d.floats("out", tokens*width, 1), Table: d.normal(vocabulary * width), IDs: ids, Add: d.normal(tokens * width), N: tokens, V: vocabulary, C: width})
	d.EmbedBackward(kernels.EmbedBackward{DTable: d.out("dtable", d.single(vocabulary*width), tokens), DOut: d.normal(tokens * width), IDs: ids, N: tokens, V: vocabulary, C: width})
}

func moveRows(d *desk) {
	at := make([]int32, tokens)
	for i := range at {
		at[i] = int32(tokens-1-i) - int32(i%5/4)*tokens // every fifth is negative: left out
	}
	src, where := kernels.Dense(d.normal(tokens*width), width), d.ints(at...)
	d.PutRows(kernels.PutRows{Dst: kernels.Dense(d.out("put", d.normal(tokens*width), 1), width), Src: src, At: where, N: tokens, C: width})
	d.GetRows(kernels.GetRows{Dst: kernels.Dense(d.floats("got", tokens*width, 1), width), Src: src, At: where, N: tokens, C: width})
}

func layerNorm(d *desk) {
	x, weight := d.normal(tokens*width), d.normal(width)
	mean, rstd := d.singles("mean", tokens, width), d.singles("rstd", tokens, width)
	d.LayerNorm(kernels.LayerNorm{Y: d.floats("Y", tokens*width, width), X: x, Weight: weight, Bias: d.normal(width), Mean: mean, RStd: rstd,
		Rows: tokens, Cols: width, Eps: normEps})
	d.LayerNormBackward(kernels.LayerNormBackward{DX: d.floats("dX", tokens*width, width), DWeight: d.out("dweight", d.single(width), tokens),
		DBias: d.out("dbias", d.single(width), tokens), DY: d.normal(tokens * width), X: x, Weight: weight, Mean: mean, RStd: rstd,
		Add: d.normal(tokens * width), Rows: tokens, Cols: width})
}

func elementwise(d *desk) {
	n := tokens*width - 3
	x, y := d.normal(n), d.normal(n)
	d.Add(kernels.Add{Y: d.floats("sum", n, 1), A: x, B: y, N: n})
	d.Scale(kernels.Scale{Y: d.floats("scaled", n, 1), X: x, N: n, Factor: 0.3})
	d.GeluBackward(kernels.GeluBackward{DX: d.floats("gelu'", n, 1), DY: y, X: x, N: n})
}

// draw places operations in the random streams.
func (d *desk) draw() kernels.Draw { return d.ints(7, 1, 3, 4) }

func dropout(d *desk) {
	d.Dropout(kernels.Dropout{Y: d.floats("Y", tokens*width, 1), X: d.normal(tokens * width), Draw: d.draw(), Purpose: rng.Dropout, Rate: 0.2,
		Rows: tokens, Cols: width, Lines: seq})
}

func bernoulli(d *desk) {
	d.Bernoulli(kernels.Bernoulli{Hidden: d.out("hidden", d.alloc(tensor.Uint8, tokens), 1), Rate: d.fill(tokens, 0.3), Draw: d.draw(), B: rows, T: seq})
}

func maskedFill(d *desk) {
	hidden, x := d.some(tokens), d.normal(tokens*width)
	d.MaskedFill(kernels.MaskedFill{Y: d.floats("Y", tokens*width, 1), X: x, Hidden: hidden, Value: d.normal(width), Rows: tokens, Cols: width})
	d.MaskedFillBackward(kernels.MaskedFillBackward{DX: d.floats("dX", tokens*width, 1), DY: x, Hidden: hidden,
		DValue: d.out("dvalue", d.single(width), tokens), Rows: tokens, Cols: width})
}

// inf hides a key from every query.
const inf = 1<<31 - 1

// causal lets a query see what came before.
func causal(i int) (pos, hi int32) { return int32(i), int32(i) }

// slots makes every fourth token one that nobody sees and that looks five ahead.
func slots(i int) (pos, hi int32) {
	if i%4 == 3 {
		return inf, int32(min(i+5, seq-1))
	}
	return int32(i), int32(i)
}

func attention(d *desk, see func(i int) (pos, hi int32), drop float32) {
	pos, lo, hi := make([]int32, tokens), make([]int32, tokens), make([]int32, tokens)
	for n := range pos {
		pos[n], hi[n] = see(n % seq)
	}
	m := kernels.Mask{Batch: rows, T: seq, S: seq, Pos: d.ints(pos...), Lo: d.ints(lo...), Hi: d.ints(hi...),
		Tables: d.alloc(tensor.Int32, d.MaskTablesLen(rows, seq, seq))}
	d.PrepareMask(m)
	matrix := func(b kernels.Buffer) kernels.Strided { return kernels.Dense(b, width) }
	q, k, v := matrix(d.normal(tokens*width)), matrix(d.normal(tokens*width)), matrix(d.normal(tokens*width))
	out, lse := matrix(d.floats("out", tokens*width, seq)), d.singles("lse", rows*heads*seq, width)
	edges := kernels.EdgeDrop{Rate: drop, Layer: 1, Draw: d.draw()}
	d.Attention(kernels.AttentionForward{T: seq, S: seq, H: heads, D: width / heads, Q: q, K: k, V: v, Out: out, LSE: lse, Mask: m, Drop: edges})
	d.AttentionBackward(kernels.AttentionBackward{T: seq, S: seq, H: heads, D: width / heads,
		DQ: matrix(d.floats("dQ", tokens*width, seq*width)), DK: matrix(d.floats("dK", tokens*width, seq*width)), DV: matrix(d.floats("dV", tokens*width, seq*width)),
		Q: q, K: k, V: v, Out: out, DOut: matrix(d.normal(tokens * width)), LSE: lse, Delta: d.alloc(tensor.Float32, rows*heads*seq), Mask: m, Drop: edges})
}

func crossEntropy(d *desk) {
	one := func(name string) kernels.Buffer { return d.singles(name, tokens, vocabulary) }
	d.CrossEntropy(kernels.CrossEntropy{Logits: d.normal(tokens * vocabulary), Targets: d.below(tokens, vocabulary), N: tokens, V: vocabulary,
		NLL: one("nll"), Conf: one("confidence"), Entropy: one("entropy"), Margin: one("margin"), Argmax: d.out("argmax", d.alloc(tensor.Int32, tokens), 1),
		DLogits: d.floats("dlogits", tokens*vocabulary, vocabulary), Scale: d.fill(1, 1./tokens), Smoothing: 0.1})
}

func squaredNorm(d *desk) {
	d.SquaredNorm(kernels.SquaredNorm{Out: d.singles("norm", 1, 1), X: d.normal(tokens * width), N: tokens * width})
}

func adamW(d *desk) {
	n := tokens * width
	var low kernels.Buffer
	if d.float != tensor.Float32 {
		low = d.floats("rounded parameters", n, 1)
	}
	d.AdamW(kernels.AdamW{Param: d.out("parameters", d.single(n), 1), Grad: d.single(n), M: d.out("first moment", d.single(n), 1), V: d.out("second moment", d.fill(n, 0.5), 1),
		Low: low, N: n, LR: 1e-3, Beta1: 0.9, Beta2: 0.99, Eps: 1e-8, Decay: 0.1, GradScale: 0.5, Step: 3})
}
