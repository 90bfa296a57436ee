package cuda

import (
	"math"

	"dmtrain/internal/gpu"
	"dmtrain/internal/kernels"
	"dmtrain/internal/tensor"
)

const (
	attentionF32Threads  = 256
	attentionBF16Threads = 128
	decodeThreads        = 128
	deltaRowsPerBlock    = decodeThreads / 32
	// Up to so many queries, a block a query beats tiles of 64.
	decodeQueries = 8
	widestHead    = 128
)

// attention is what both directions share.
type attention struct {
	b          *Backend
	t          tensor.DType
	batch      int
	T, S, H, D int
	width      int // of the kernels' heads: 32, 64 or 128
	mask       mask
	drop       kernels.EdgeDrop
	draw       gpu.Ptr
	vectors    uint64
}

func (b *Backend) attention(t tensor.DType, T, S, H, D int, m kernels.Mask, drop kernels.EdgeDrop) attention {
	if m.T != T || m.S != S {
		panic("kernels: mask of another shape")
	}
	if D > widestHead {
		panic("kernels: a head wider than 128")
	}
	a := attention{
		b:       b,
		t:       t,
		batch:   m.Batch,
		T:       T,
		S:       S,
		H:       H,
		D:       D,
		width:   32,
		mask:    b.mask(m),
		drop:    drop,
		vectors: vectors(D * t.Size()),
	}
	for a.width < D {
		a.width *= 2
	}
	if drop.Rate > 0 {
		a.draw = draws(drop.Draw)
	}
	return a
}

// queries and keys are a matrix of one row a query, or a key. Each also says whether tiles may be moved 16 bytes at
// a time.
func (a *attention) queries(s kernels.Strided, name string) matrix {
	return a.matrix(s, a.batch*a.T, name)
}
func (a *attention) keys(s kernels.Strided, name string) matrix {
	return a.matrix(s, a.batch*a.S, name)
}

func (a *attention) matrix(s kernels.Strided, rows int, name string) matrix {
	m := strided(s, a.t, rows, a.H*a.D, name)
	a.vectors &= vectors(m.stride*a.t.Size(), m.at)
	return m
}

func (a *attention) lines(b kernels.Buffer, name string) gpu.Ptr {
	return elements(b, tensor.Float32, a.batch*a.H*a.T, name)
}

// kernel picks by the width of heads.
func (a *attention) kernel(d32, d64, d128 string) string {
	switch a.width {
	case 32:
		return d32
	case 64:
		return d64
	}
	return d128
}

// shared is the dynamic shared memory of the bfloat16 kernels, in tiles of 64 rows with 8 elements between.
func (a *attention) shared(tiles int) int {
	return tiles * tile * (a.width + 8) * tensor.BFloat16.Size()
}

// stages is how many tiles of what they walk over the bfloat16 kernels keep backwards (stages in attention_bf16.cu).
func (a *attention) stages() int {
	if a.width <= 64 {
		return 2
	}
	return 1
}

func (a *attention) scale() uint64 { return gpu.Float(float32(1 / math.Sqrt(float64(a.D)))) }

func (a *attention) grid(n int) gpu.Dim { return gpu.Dim{X: n, Y: a.H, Z: a.batch} }

// Attention implements kernels.Attention.
func (b *Backend) Attention(p kernels.AttentionForward) {
	a := b.attention(floating(p.Out.Buf, "Out"), p.T, p.S, p.H, p.D, p.Mask, p.Drop)
	q, k, v, out := a.queries(p.Q, "Q"), a.keys(p.K, "K"), a.keys(p.V, "V"), a.queries(p.Out, "Out")
	lse, m := a.lines(p.LSE, "LSE"), a.mask
	if a.batch*a.T*a.H == 0 {
		return
	}
	name, grid, threads, shared := "", a.grid(ceilDiv(a.T, tile)), attentionF32Threads, 0
	switch {
	case a.T <= decodeQueries:
		name, grid, threads = named(a.t, "attention_decode_f32", "attention_decode_bf16"), a.grid(a.T), decodeThreads
	case a.t == tensor.Float32:
		name = a.kernel("attention_f32_d32", "attention_f32_d64", "attention_f32_d128")
	default:
		name = a.kernel("attention_bf16_d32", "attention_bf16_d64", "attention_bf16_d128")
		threads, shared = attentionBF16Threads, a.shared(3)
	}
	args := [...]uint64{
		address(out.at), address(lse), address(q.at), address(k.at), address(v.at),
		integer(out.stride), integer(q.stride), integer(k.stride), integer(v.stride),
		address(m.pos), address(m.lo), address(m.hi), address(m.tag), address(m.a), address(m.b), address(m.tables),
		integer(a.T), integer(a.S), integer(a.D), a.scale(), address(a.draw), gpu.Float(a.drop.Rate),
		uint64(a.drop.Purpose(0)), a.vectors,
	}
	n := len(args)
	if shared == 0 { // only the tensor-core kernels take vectors
		n--
	}
	b.dev.Launch(name, grid, threads, shared, args[:n]...)
}

// AttentionBackward implements kernels.Attention: the rows' sums, then queries' gradients, then keys' and values'.
// Nothing is added up by more than one block, so that the order of sums is fixed.
func (b *Backend) AttentionBackward(p kernels.AttentionBackward) {
	a := b.attention(floating(p.Out.Buf, "Out"), p.T, p.S, p.H, p.D, p.Mask, p.Drop)
	q, k, v := a.queries(p.Q, "Q"), a.keys(p.K, "K"), a.keys(p.V, "V")
	dq, dk, dv := a.queries(p.DQ, "DQ"), a.keys(p.DK, "DK"), a.keys(p.DV, "DV")
	out, dout := a.queries(p.Out, "Out"), a.queries(p.DOut, "DOut")
	lse, delta, m := a.lines(p.LSE, "LSE"), a.lines(p.Delta, "Delta"), a.mask
	lines := a.batch * a.H * a.T
	if lines == 0 || a.S == 0 {
		return
	}
	b.dev.Launch(named(a.t, "attention_delta_f32", "attention_delta_bf16"), along(ceilDiv(lines, deltaRowsPerBlock)),
		decodeThreads, 0,
		address(delta), address(out.at), address(dout.at), integer(out.stride), integer(dout.stride),
		integer(a.T), integer(a.H), integer(a.D), integer(lines))

	threads, shared, tail := attentionF32Threads, 0, 0
	if a.t == tensor.BFloat16 {
		threads, shared, tail = attentionBF16Threads, a.shared(2+2*a.stages()), 1
	}
	rest := [...]uint64{
		address(lse), address(delta), address(m.pos), address(m.lo), address(m.hi), address(m.tag), address(m.a),
		address(m.b), address(m.tables),
		integer(a.T), integer(a.S), integer(a.D), a.scale(), address(a.draw), gpu.Float(a.drop.Rate),
		uint64(a.drop.Purpose(0)), a.vectors,
	}
	var args [gpu.MaxArgs]uint64
	n := copy(args[:], []uint64{
		address(dq.at), address(q.at), address(k.at), address(v.at), address(dout.at),
		integer(dq.stride), integer(q.stride), integer(k.stride), integer(v.stride), integer(dout.stride),
	})
	n += copy(args[n:], rest[:len(rest)-1+tail])
	name := a.kernel("attention_dq_f32_d32", "attention_dq_f32_d64", "attention_dq_f32_d128")
	if a.t == tensor.BFloat16 {
		name = a.kernel("attention_dq_bf16_d32", "attention_dq_bf16_d64", "attention_dq_bf16_d128")
	}
	b.dev.Launch(name, a.grid(ceilDiv(a.T, tile)), threads, shared, args[:n]...)

	n = copy(args[:], []uint64{
		address(dk.at), address(dv.at), address(q.at), address(k.at), address(v.at), address(dout.at),
		integer(dk.stride), integer(dv.stride), integer(q.stride), integer(k.stride), integer(v.stride),
		integer(dout.stride),
	})
	n += copy(args[n:], rest[:len(rest)-1+tail])
	name = a.kernel("attention_dkv_f32_d32", "attention_dkv_f32_d64", "attention_dkv_f32_d128")
	if a.t == tensor.BFloat16 {
		name = a.kernel("attention_dkv_bf16_d32", "attention_dkv_bf16_d64", "attention_dkv_bf16_d128")
	}
	b.dev.Launch(name, a.grid(ceilDiv(a.S, tile)), threads, shared, args[:n]...)
}
