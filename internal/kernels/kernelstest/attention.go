package kernelstest

import (
	"fmt"
	"math"
	"testing"

	"pgregory.net/rapid"

	"dmtrain/internal/kernels"
	"dmtrain/internal/tensor"
)

// attentionCase is one attention's shape, mask and inputs.
type attentionCase struct {
	batch, t, s, h, d int
	mask              maskFamily
	drop              float32 // rate of edge dropping
	first             int     // its first row
	fused             bool    // Q, K and V side by side in one matrix, their gradients too (T = S)
	gap               int     // elements between rows
	scores            scores
}

// scores is what the products q·k/√D look like.
type scores int

const (
	plainScores   scores = iota // standard normal
	sharpScores                 // normal of deviation 20: the softmax is all but a maximum
	risingScores                // each key above the one before: the running maximum moves with every tile
	sinkingScores               // around −10 000: exp of them is 0
)

func (c attentionCase) String() string {
	return fmt.Sprintf("B=%d,T=%d,S=%d,H=%d,D=%d/%s,drop=%g,fused=%t,gap=%d,scores=%d", c.batch, c.t, c.s, c.h, c.d, c.mask.name, c.drop, c.fused, c.gap, c.scores)
}

func (s *suite) testAttention(t *testing.T) {
	s.eachFloat(t, func(t *testing.T, dt tensor.DType) {
		for i, c := range attentionCases(dt) {
			if s.relayed && i%4 > 0 && c.drop == 0 && !c.fused {
				continue
			}
			t.Run(c.String(), func(t *testing.T) { s.attention(t, dt, c) })
		}
		if s.relayed {
			return
		}
		t.Run("random", rapid.MakeCheck(func(t *rapid.T) { s.attention(t, dt, randomAttention(t, dt)) }))
	})
}

// attentionCases are all masks at two shapes, and all shapes at a few masks. Bfloat16 keeps to the head widths that tensor
// cores are written for.
func attentionCases(dt tensor.DType) []attentionCase {
	families := map[string]maskFamily{}
	var cases []attentionCase
	for _, f := range maskFamilies() {
		families[f.name] = f
		cases = append(cases,
			attentionCase{batch: 2, t: 65, s: 65, h: 2, d: 32, mask: f},
			attentionCase{batch: 2, t: 33, s: 70, h: 1, d: 64, mask: f, gap: 8})
	}
	causal, full, slots, random := families["causal"], families["full"], families["slots"], families["random"]
	cases = append(cases,
		attentionCase{batch: 1, t: 1, s: 1, h: 1, d: 32, mask: causal},
		attentionCase{batch: 1, t: 129, s: 129, h: 1, d: 32, mask: causal},
		attentionCase{batch: 1, t: 200, s: 200, h: 1, d: 32, mask: families["window"]},
		attentionCase{batch: 1, t: 7, s: 129, h: 2, d: 32, mask: full},
		attentionCase{batch: 2, t: 129, s: 7, h: 2, d: 32, mask: random},
		attentionCase{batch: 2, t: 63, s: 63, h: 3, d: 32, mask: slots, fused: true},
		attentionCase{batch: 1, t: 65, s: 65, h: 1, d: 128, mask: causal, fused: true},
		attentionCase{batch: 3, t: 1, s: 130, h: 2, d: 64, mask: decoding, gap: 64},
		attentionCase{batch: 3, t: 4, s: 130, h: 2, d: 64, mask: decoding},
		attentionCase{batch: 2, t: 65, s: 65, h: 2, d: 32, mask: causal, drop: 0.3, first: 5},
		attentionCase{batch: 2, t: 33, s: 70, h: 2, d: 32, mask: random, drop: 0.9},
		attentionCase{batch: 1, t: 7, s: 7, h: 1, d: 32, mask: full, drop: 0.99},
	)
	for _, s := range []scores{sharpScores, risingScores, sinkingScores} {
		cases = append(cases, attentionCase{batch: 1, t: 65, s: 150, h: 1, d: 64, mask: full, scores: s},
			attentionCase{batch: 1, t: 65, s: 65, h: 1, d: 64, mask: causal, scores: s})
	}
	if dt == tensor.Float32 {
		for _, d := range []int{1, 5, 7, 8, 16, 24, 33, 65} {
			cases = append(cases, attentionCase{batch: 2, t: 35, s: 35, h: 2, d: d, mask: random, gap: d % 3, fused: d == 7})
		}
	}
	return cases
}

// decoding has T new queries at the end of what is filled of a cache of S rows; the rest of the cache is hidden.
var decoding = maskFamily{"decoding", func(t *trial, m *hostMask) {
	filled := t.below(m.batch, m.s-m.t+1)
	m.byKey(func(k, j int) {
		m.pos[k] = inf
		if j < int(filled[k/m.s])+m.t {
			m.pos[k] = int32(j)
		}
	})
	m.byQuery(func(q, i int) { m.hi[q] = filled[q/m.t] + int32(i) })
}}

func randomAttention(t *rapid.T, dt tensor.DType) attentionCase {
	width := rapid.IntRange(1, 40)
	if dt == tensor.BFloat16 {
		width = rapid.SampledFrom([]int{32, 64})
	}
	c := attentionCase{
		batch: rapid.IntRange(1, 2).Draw(t, "batch"), t: rapid.IntRange(1, 70).Draw(t, "T"), s: rapid.IntRange(1, 70).Draw(t, "S"),
		h: rapid.IntRange(1, 2).Draw(t, "H"), d: width.Draw(t, "D"),
		gap: rapid.IntRange(0, 3).Draw(t, "gap"), drop: rapid.SampledFrom([]float32{0, 0, 0.2}).Draw(t, "drop"),
	}
	levels := rapid.IntRange(1, 20)
	second := rapid.Bool().Draw(t, "second interval")
	c.mask = maskFamily{"random", func(tr *trial, m *hostMask) {
		randomMask(tr, m, levels.Draw(t, "levels"))
		if second {
			m.second()
			n := levels.Draw(t, "tags")
			m.tag, m.a = tr.below(len(m.tag), n), tr.below(len(m.a), n)
			width := tr.below(len(m.b), n)
			m.byKey(func(k, j int) { m.b[k] = m.a[k] + width[k] })
		}
	}}
	return c
}

// attention runs a case forward and, with the reference's rounded Out and LSE, backward.
func (s *suite) attention(tb rapid.TB, dt tensor.DType, c attentionCase) {
	tb.Helper()
	s.attentionForward(tb, dt, c)
	s.attentionBackward(tb, dt, c)
}

// attentionInputs are a case's operands that both directions read.
type attentionInputs struct {
	c       attentionCase
	q, k, v *operand
	mask    *maskOperands
	draw    *operand
}

func (t *trial) attentionInputs(dt tensor.DType, c attentionCase) *attentionInputs {
	width := c.h * c.d
	m := newMask(c.batch, c.t, c.s)
	c.mask.make(t, m)
	in := &attentionInputs{c: c, mask: t.mask(m)}
	q, k := t.scored(c)
	v := t.normal(c.batch * c.s * width)
	if c.fused {
		in.q = t.in("QKV", dt, beside(width, q, k, v)).strided(3*width, 0, c.gap)
		in.k, in.v = in.q, in.q
	} else {
		in.q = t.in("Q", dt, q).strided(width, c.gap, c.gap)
		in.k, in.v = t.in("K", dt, k).strided(width, 0, c.gap), t.in("V", dt, v).strided(width, 2*c.gap, c.gap)
	}
	if c.drop > 0 {
		in.draw = t.draw(c.first)
	}
	return in
}

// scored is Q and K whose scores look as the case asks.
func (t *trial) scored(c attentionCase) (q, k []float32) {
	width := c.h * c.d
	q, k = t.normal(c.batch*c.t*width), t.normal(c.batch*c.s*width)
	root := math.Sqrt(float64(c.d))
	switch c.scores {
	case sharpScores:
		for i := range q {
			q[i] *= 20
		}
	case risingScores, sinkingScores:
		for i := range q {
			q[i] = 0
			if i%c.d == 0 {
				q[i] = 1
			}
		}
		for i := range k {
			if i%c.d == 0 {
				k[i] = float32(root * float64(i/width%c.s))
				if c.scores == sinkingScores {
					k[i] = float32(root * (-10_000 + float64(k[i])/4))
				}
			}
		}
	}
	return q, k
}

// scoreSize is how large the scores of a case get: an error of a score is a relative error of its weight.
func (c attentionCase) scoreSize() float64 {
	switch c.scores {
	case sharpScores:
		return 80
	case risingScores:
		return float64(c.s)
	case sinkingScores:
		return 10_000
	}
	return 1
}

// beside lays matrices of a width side by side.
func beside(width int, m ...[]float32) []float32 {
	var out []float32
	for r := range len(m[0]) / width {
		for _, x := range m {
			out = append(out, x[r*width:][:width]...)
		}
	}
	return out
}

// part is one of three matrices side by side in a fused operand, and the whole of any other.
func (in *attentionInputs) part(at *bound, o *operand, i int) kernels.Strided {
	rows := at.rows(o)
	if in.c.fused {
		rows.Offset += i * in.c.h * in.c.d
	}
	return rows
}

func (in *attentionInputs) edgeDrop(at *bound) kernels.EdgeDrop {
	return kernels.EdgeDrop{Rate: in.c.drop, Layer: 2, Draw: at.buf(in.draw)}
}

func (s *suite) attentionForward(tb rapid.TB, dt tensor.DType, c attentionCase) {
	tb.Helper()
	t := s.trial(tb)
	in, width := t.attentionInputs(dt, c), c.h*c.d
	out := t.out("Out", dt, c.batch*c.t*width, within(c.s+c.d).atLeast(c.scoreSize())).strided(width, c.gap, 2*c.gap)
	lse := t.out("LSE", tensor.Float32, c.batch*c.h*c.t, within(c.s+c.d).atLeast(c.scoreSize()))
	got := t.check(func(k kernels.Backend, at *bound) {
		k.Attention(kernels.AttentionForward{
			T: c.t, S: c.s, H: c.h, D: c.d, Q: in.part(at, in.q, 0), K: in.part(at, in.k, 1), V: in.part(at, in.v, 2),
			Out: at.rows(out), LSE: at.buf(lse), Mask: at.mask(in.mask), Drop: in.edgeDrop(at),
		})
	})
	in.checkBlind(t, "Out", got.of(out))
	for i, v := range got.of(lse) {
		if in.mask.host.blind(i/(c.h*c.t), i%c.t) && v != 0 {
			t.Errorf("LSE of a query that sees nothing is %v", v)
		}
	}
}

// checkBlind wants zeros in the rows of queries that see nothing.
func (in *attentionInputs) checkBlind(t *trial, name string, x []float64) {
	t.Helper()
	width := in.c.h * in.c.d
	for i, v := range x {
		if row := i / width; v != 0 && in.mask.host.blind(row/in.c.t, row%in.c.t) {
			t.Errorf("%s of query %d, which sees nothing, is %v", name, row, v)
			return
		}
	}
}

// checkUnseen wants zeros in the rows of keys that no query sees.
func (in *attentionInputs) checkUnseen(t *trial, name string, x []float64) {
	t.Helper()
	width := in.c.h * in.c.d
	for i, v := range x {
		if row := i / width; v != 0 && in.mask.host.unseen(row/in.c.s, row%in.c.s) {
			t.Errorf("%s of key %d, which no query sees, is %v", name, row, v)
			return
		}
	}
}

func (s *suite) attentionBackward(tb rapid.TB, dt tensor.DType, c attentionCase) {
	tb.Helper()
	t := s.trial(tb)
	in, width := t.attentionInputs(dt, c), c.h*c.d
	outs, lses := s.forwardOnRef(t, in)
	out := t.in("Out", dt, outs).strided(width, 0, c.gap)
	lse := t.in("LSE", tensor.Float32, lses)
	dout := t.in("DOut", dt, t.normal(c.batch*c.t*width)).strided(width, c.gap, c.gap)
	delta := t.scratch("Delta", tensor.Float32, c.batch*c.h*c.t)
	var dq, dk, dv *operand
	// A score's gradient is a difference of terms of size √D; it is multiplied by q and by k, over √D, and a key's
	// gradient sums that over all queries. Products of three normal draws have long tails: hence the 4.
	keep := 1 - float64(c.drop)
	query, key := c.sizes()
	tol := func(size float64) tolerance { return within(c.t + c.s + c.d).atLeast(c.scoreSize() * size / keep) }
	if c.fused {
		dq = t.out("DQKV", dt, 3*c.batch*c.t*width, tol(4*max(query*math.Sqrt(float64(c.t)), key))).strided(3*width, 0, c.gap)
		dk, dv = dq, dq
	} else {
		dq = t.out("DQ", dt, c.batch*c.t*width, tol(4*key)).strided(width, 0, c.gap)
		dk = t.out("DK", dt, c.batch*c.s*width, tol(4*query*math.Sqrt(float64(c.t)))).strided(width, c.gap, 0)
		dv = t.out("DV", dt, c.batch*c.s*width, tol(1).sized(s.valueSizes(t, in, outs, lses))).strided(width, 1, c.gap)
	}
	got := t.check(func(k kernels.Backend, at *bound) {
		k.AttentionBackward(kernels.AttentionBackward{
			T: c.t, S: c.s, H: c.h, D: c.d, DQ: in.part(at, dq, 0), DK: in.part(at, dk, 1), DV: in.part(at, dv, 2),
			Q: in.part(at, in.q, 0), K: in.part(at, in.k, 1), V: in.part(at, in.v, 2),
			Out: at.rows(out), DOut: at.rows(dout), LSE: at.buf(lse), Delta: at.buf(delta),
			Mask: at.mask(in.mask), Drop: in.edgeDrop(at),
		})
	})
	if !c.fused {
		in.checkBlind(t, "DQ", got.of(dq))
		in.checkUnseen(t, "DK", got.of(dk))
		in.checkUnseen(t, "DV", got.of(dv))
	}
}

// sizes are those of a case's queries and keys.
func (c attentionCase) sizes() (query, key float64) {
	root := math.Sqrt(float64(c.d))
	switch c.scores {
	case sharpScores:
		return 20, 1
	case risingScores:
		return 1, root * float64(c.s)
	case sinkingScores:
		return 1, root * 10_000
	}
	return 1, 1
}

// valueSizes is how large the terms get that cancel in each element of DV. It is a sum over queries of weights w times standard
// normal draws, and tensor cores take the weights rounded: of size √Σw², which is at most √(Σw·max w). The reference tells
// Σw, as the gradient that comes of ones; no weight is above 1 over the rate of edges kept. A key that many queries see and hardly
// anything else is where this matters.
func (s *suite) valueSizes(t *trial, in *attentionInputs, outs, lses []float32) []float64 {
	t.Helper()
	c, width, k := in.c, in.c.h*in.c.d, s.ref
	buffer := func(x []float32) kernels.Buffer {
		b := alloc(t, k, tensor.Float32, len(x))
		k.Upload(b, x)
		return b
	}
	ones := make([]float32, len(outs))
	for i := range ones {
		ones[i] = 1
	}
	sums := make([]float32, c.batch*c.s*width)
	dq, dk, dv, delta := buffer(make([]float32, len(ones))), buffer(sums), buffer(sums), buffer(make([]float32, len(lses)))
	out, dout, lse := buffer(outs), buffer(ones), buffer(lses)
	defer func() {
		for _, b := range []kernels.Buffer{dq, dk, dv, delta, out, dout, lse} {
			k.Free(b)
		}
	}()
	t.run(k, t.arena(), func(k kernels.Backend, at *bound) {
		k.AttentionBackward(kernels.AttentionBackward{
			T: c.t, S: c.s, H: c.h, D: c.d, DQ: kernels.Dense(dq, width), DK: kernels.Dense(dk, width), DV: kernels.Dense(dv, width),
			Q: in.part(at, in.q, 0), K: in.part(at, in.k, 1), V: in.part(at, in.v, 2),
			Out: kernels.Dense(out, width), DOut: kernels.Dense(dout, width), LSE: lse, Delta: delta,
			Mask: at.mask(in.mask), Drop: in.edgeDrop(at),
		})
	})
	if err := k.Download(sums, dv); err != nil {
		t.Fatalf("%v", err)
	}
	sizes := make([]float64, len(sums))
	for i, w := range sums {
		sizes[i] = math.Sqrt(float64(w) / (1 - float64(c.drop)))
	}
	return sizes
}

// forwardOnRef computes Out and LSE on the reference, in the trial's own bytes.
func (s *suite) forwardOnRef(t *trial, in *attentionInputs) (out, lse []float32) {
	t.Helper()
	c, k := in.c, s.ref
	n := c.batch * c.t * c.h * c.d
	outBuf, lseBuf := alloc(t, k, in.q.dtype, n), alloc(t, k, tensor.Float32, c.batch*c.h*c.t)
	defer k.Free(outBuf)
	defer k.Free(lseBuf)
	t.run(k, t.arena(), func(k kernels.Backend, at *bound) {
		k.Attention(kernels.AttentionForward{
			T: c.t, S: c.s, H: c.h, D: c.d, Q: in.part(at, in.q, 0), K: in.part(at, in.k, 1), V: in.part(at, in.v, 2),
			Out: kernels.Dense(outBuf, c.h*c.d), LSE: lseBuf, Mask: at.mask(in.mask), Drop: in.edgeDrop(at),
		})
	})
	out, lse = make([]float32, n), make([]float32, c.batch*c.h*c.t)
	if err := k.Download(out, outBuf); err != nil {
		t.Fatalf("%v", err)
	}
	if err := k.Download(lse, lseBuf); err != nil {
		t.Fatalf("%v", err)
	}
	return out, lse
}
