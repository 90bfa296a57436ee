package cpu

import (
	"math"
	"testing"

	"dmtrain/internal/kernels"
	"dmtrain/internal/rng"
	"dmtrain/internal/tensor"
)

// step is a set of operands for every operation, in shapes that leave rests everywhere.
type step struct {
	k  kernels.Backend
	tb testing.TB

	mask                                    kernels.Mask
	q, k2, v, out, lse, delta               kernels.Buffer
	dq, dk, dv                              kernels.Buffer
	x, y, w, wT, bias, gelu, dw, dbias      kernels.Buffer
	mean, rstd, ids, hidden, draw, rate     kernels.Buffer
	logits, targets, nll, conf, ent, margin kernels.Buffer
	argmax, scale, norm, m, v2              kernels.Buffer
}

const (
	stepB, stepT, stepH, stepD = 3, 77, 2, 24
	stepC, stepF               = stepH * stepD, 211
	stepN                      = stepB * stepT
)

func newStep(tb testing.TB, k kernels.Backend) *step {
	s := &step{k: k, tb: tb}
	tokens := stepN * stepC
	s.q, s.k2, s.v = s.floats(1, tokens), s.floats(2, tokens), s.floats(3, tokens)
	s.out, s.dq, s.dk, s.dv = s.floats(0, tokens), s.floats(0, tokens), s.floats(0, tokens), s.floats(0, tokens)
	s.lse, s.delta = s.floats(0, stepN*stepH), s.floats(0, stepN*stepH)
	s.x, s.w, s.wT = s.floats(4, tokens), s.floats(5, stepC*stepF), s.floats(6, stepC*stepF)
	s.y, s.gelu = s.floats(7, stepN*stepF), s.floats(8, stepN*stepF)
	s.bias, s.dw, s.dbias = s.floats(9, stepF), s.floats(10, stepC*stepF), s.floats(11, stepF)
	s.mean, s.rstd, s.norm = s.floats(0, stepN), s.floats(0, stepN), s.floats(0, 1)
	s.logits = s.floats(12, stepN*stepF)
	s.nll, s.conf, s.ent, s.margin = s.floats(0, stepN), s.floats(0, stepN), s.floats(0, stepN), s.floats(0, stepN)
	s.m, s.v2 = s.floats(0, stepC*stepF), s.floats(0, stepC*stepF)
	s.scale, s.rate = s.floats(13, 1), s.floats(0, stepN)
	s.ids = s.ints(stepN, func(i int) int32 { return int32(i * 7 % stepF) })
	s.targets = s.ints(stepN, func(i int) int32 { return int32(i*5%stepF) - 1 })
	s.argmax = s.ints(stepN, func(int) int32 { return 0 })
	s.draw = s.ints(4, func(i int) int32 { return int32(i) })
	s.hidden = s.alloc(tensor.Uint8, stepN)
	s.mask = kernels.Mask{
		Batch: stepB, T: stepT, S: stepT,
		Pos: s.ints(stepN, func(i int) int32 { return int32(i % stepT) }),
		Lo:  s.ints(stepN, func(i int) int32 { return int32(max(0, i%stepT-20)) }),
		Hi:  s.ints(stepN, func(i int) int32 { return int32(i%stepT) - int32(i/stepT*3) }),
	}
	s.mask.Tables = s.alloc(tensor.Int32, k.MaskTablesLen(stepB, stepT, stepT))
	return s
}

func (s *step) alloc(t tensor.DType, n int) kernels.Buffer {
	b, err := s.k.Alloc(t, n)
	if err != nil {
		s.tb.Fatal(err)
	}
	return b
}

func (s *step) floats(stream uint32, n int) kernels.Buffer { return floats(s.tb, s.k, stream, n) }

func (s *step) ints(n int, f func(i int) int32) kernels.Buffer {
	v := make([]int32, n)
	for i := range v {
		v[i] = f(i)
	}
	b := s.alloc(tensor.Int32, n)
	s.k.Upload(b, v)
	return b
}

// run calls every operation once.
func (s *step) run() {
	k := s.k
	cols := func(b kernels.Buffer) kernels.Strided { return kernels.Dense(b, stepC) }
	drop := kernels.EdgeDrop{Rate: 0.1, Layer: 1, Draw: s.draw}
	k.Bernoulli(kernels.Bernoulli{Hidden: s.hidden, Rate: s.rate, Draw: s.draw, B: stepB, T: stepT})
	k.Embed(kernels.Embed{Out: s.x, Table: s.w, IDs: s.ids, N: stepN, V: stepF, C: stepC})
	k.MaskedFill(kernels.MaskedFill{Y: s.x, X: s.x, Hidden: s.hidden, Rows: stepN, Cols: stepC})
	k.LayerNorm(kernels.LayerNorm{Y: s.q, X: s.x, Weight: s.bias, Bias: s.dbias, Mean: s.mean, RStd: s.rstd, Rows: stepN, Cols: stepC, Eps: 1e-5})
	k.PrepareMask(s.mask)
	k.Attention(kernels.AttentionForward{
		T: stepT, S: stepT, H: stepH, D: stepD, Q: cols(s.q), K: cols(s.k2), V: cols(s.v), Out: cols(s.out),
		LSE: s.lse, Mask: s.mask, Drop: drop,
	})
	k.Dropout(kernels.Dropout{Y: s.dq, X: s.out, Draw: s.draw, Purpose: rng.Dropout, Rate: 0.1, Rows: stepN, Cols: stepC, Lines: stepT})
	k.MatMul(kernels.MatMul{C: s.y, A: s.dq, B: s.w, M: stepN, N: stepF, K: stepC, Bias: s.bias, Gelu: s.gelu})
	k.MatMul(kernels.MatMul{C: s.logits, A: s.x, B: s.wT, M: stepN, N: stepF, K: stepC, TransB: true})
	k.CrossEntropy(kernels.CrossEntropy{
		Logits: s.logits, Targets: s.targets, N: stepN, V: stepF, NLL: s.nll, Conf: s.conf, Entropy: s.ent, Margin: s.margin,
		Argmax: s.argmax, DLogits: s.logits, Scale: s.scale,
	})
	k.MatMul(kernels.MatMul{C: s.dw, A: s.x, B: s.logits, M: stepC, N: stepF, K: stepN, TransA: true, Add: s.dw})
	k.BiasGrad(kernels.BiasGrad{DBias: s.dbias, DY: s.logits, Rows: stepN, Cols: stepF})
	k.GeluBackward(kernels.GeluBackward{DX: s.y, DY: s.logits, X: s.y, N: stepN * stepF})
	k.AttentionBackward(kernels.AttentionBackward{
		T: stepT, S: stepT, H: stepH, D: stepD, Q: cols(s.q), K: cols(s.k2), V: cols(s.v), Out: cols(s.out), DOut: cols(s.x),
		DQ: cols(s.dq), DK: cols(s.dk), DV: cols(s.dv), LSE: s.lse, Delta: s.delta, Mask: s.mask, Drop: drop,
	})
	k.LayerNormBackward(kernels.LayerNormBackward{
		DX: s.dv, DWeight: s.bias, DBias: s.dbias, DY: s.dq, X: s.x, Weight: s.w, Mean: s.mean, RStd: s.rstd, Add: s.dk, Rows: stepN, Cols: stepC,
	})
	k.MaskedFillBackward(kernels.MaskedFillBackward{DX: s.dv, DY: s.dv, Hidden: s.hidden, DValue: s.bias, Rows: stepN, Cols: stepC})
	k.EmbedBackward(kernels.EmbedBackward{DTable: s.dw, DOut: s.dv, IDs: s.ids, N: stepN, V: stepF, C: stepC})
	k.SquaredNorm(kernels.SquaredNorm{Out: s.norm, X: s.dw, N: stepC * stepF})
	k.AdamW(kernels.AdamW{
		Param: s.w, Grad: s.dw, M: s.m, V: s.v2, N: stepC * stepF,
		LR: 1e-3, Beta1: 0.9, Beta2: 0.95, Eps: 1e-8, Decay: 0.1, GradScale: 1, Step: 1,
	})
	k.Add(kernels.Add{Y: s.q, A: s.q, B: s.dv, N: stepN * stepC})
	k.Scale(kernels.Scale{Y: s.q, X: s.q, N: stepN * stepC, Factor: 0.5})
	k.PutRows(kernels.PutRows{Dst: kernels.Dense(s.y, stepF), Src: cols(s.q), At: s.ids, N: 0, C: stepC})
	k.GetRows(kernels.GetRows{Dst: cols(s.k2), Src: cols(s.q), At: s.ids, N: stepN, C: stepC})
}

// results are the bits of everything the step writes.
func (s *step) results() []uint32 {
	var all []uint32
	for _, b := range []kernels.Buffer{s.out, s.lse, s.dq, s.dk, s.dv, s.q, s.y, s.gelu, s.dw, s.dbias, s.bias, s.logits, s.nll, s.conf, s.ent, s.margin, s.norm, s.w} {
		v := make([]float32, b.Len())
		if err := s.k.Download(v, b); err != nil {
			s.tb.Fatal(err)
		}
		for _, x := range v {
			all = append(all, math.Float32bits(x))
		}
	}
	return all
}

func open(tb testing.TB, threads int) *Backend {
	tb.Helper()
	b, err := New(Options{Threads: threads})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { b.Close() })
	return b
}

func TestThreadsDoNotChangeABit(t *testing.T) { eachPath(t, testThreadsDoNotChangeABit) }

func testThreadsDoNotChangeABit(t *testing.T) {
	var want []uint32
	for _, threads := range []int{1, 2, 3, 7} {
		s := newStep(t, open(t, threads))
		s.run()
		s.run()
		got := s.results()
		if want == nil {
			want = got
		}
		differing, nans := 0, 0
		for i := range got {
			if got[i] != want[i] {
				differing++
			}
			if x := math.Float32frombits(got[i]); x != x {
				nans++
			}
		}
		if differing > 0 || nans > 0 {
			t.Errorf("%d threads: %d of %d values differ from 1 thread's, %d are NaN", threads, differing, len(got), nans)
		}
	}
}

func TestSteadyStateAllocatesNothing(t *testing.T) { eachPath(t, testSteadyStateAllocatesNothing) }

func testSteadyStateAllocatesNothing(t *testing.T) {
	for _, threads := range []int{1, 2} {
		s := newStep(t, open(t, threads))
		if n := testing.AllocsPerRun(5, s.run); n != 0 {
			t.Errorf("%d threads: %v allocations a step", threads, n)
		}
	}
}
