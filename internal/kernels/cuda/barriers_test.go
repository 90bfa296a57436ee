//go:build cudaemu

package cuda_test

import (
	"testing"

	"dmtrain/internal/gpu/emulator"
	"dmtrain/internal/kernels"
	"dmtrain/internal/kernels/cuda"
	"dmtrain/internal/tensor"
)

// TestEveryBarrierIsNeeded removes each barrier of each kernel in turn, and each wait for asynchronous copies: the
// emulated device must report a fault. So there is none too many, and none could go missing unseen.
func TestEveryBarrierIsNeeded(t *testing.T) {
	b, err := cuda.Open(0, cuda.Options{NoBLAS: true})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	calls := synchronisingCalls(t, b)
	for _, call := range calls {
		call()
		if err := b.Sync(); err != nil {
			t.Fatal(err)
		}
	}
	sites := 0
	for _, site := range emulator.Barriers() {
		sites++
		emulator.SkipBarrier(site)
		var fault error
		for _, call := range calls {
			call()
			if fault = b.Sync(); fault != nil {
				break
			}
		}
		if fault == nil {
			t.Errorf("without the barrier at %s nothing happens", site)
		} else {
			t.Logf("without %s: %v", site, fault)
		}
	}
	emulator.SkipBarrier("")
	if sites < 15 {
		t.Errorf("only %d barriers were met", sites)
	}
}

// synchronisingCalls run every kernel in which threads wait for each other, each over several rounds of its loops.
func synchronisingCalls(t *testing.T, b *cuda.Backend) []func() {
	floats := func(dt tensor.DType, n int) kernels.Buffer {
		x := make([]float32, n)
		for i := range x {
			x[i] = float32(i*7919%251)/125 - 1
		}
		buf := zeros(t, b, dt, n)
		b.Upload(buf, x)
		return buf
	}
	const rows, cols = 70, 100
	f := tensor.Float32
	var calls []func()
	for _, dt := range []tensor.DType{tensor.Float32, tensor.BFloat16} {
		const m, n, k = 64, 64, 128
		mm := kernels.MatMul{
			C: zeros(t, b, dt, m*n),
			A: floats(dt, m*k),
			B: floats(dt, k*n),
			M: m,
			N: n,
			K: k,
		}
		ln := kernels.LayerNormBackward{
			DX:      zeros(t, b, dt, rows*cols),
			DWeight: zeros(t, b, f, cols),
			DBias:   zeros(t, b, f, cols),
			DY:      floats(dt, rows*cols),
			X:       floats(dt, rows*cols),
			Weight:  floats(dt, cols),
			Mean:    zeros(t, b, f, rows),
			RStd:    floats(f, rows),
			Rows:    rows,
			Cols:    cols,
		}
		ce := kernels.CrossEntropy{
			Logits:  floats(dt, rows*cols),
			Targets: zeros(t, b, tensor.Int32, rows),
			N:       rows,
			V:       cols,
			NLL:     zeros(t, b, f, rows),
			DLogits: zeros(t, b, dt, rows*cols),
			Scale:   floats(f, 1),
		}
		ce.DLogits = ce.Logits // in place, so that the gradient must wait for the last reader
		sn := kernels.SquaredNorm{Out: zeros(t, b, f, 1), X: floats(dt, 5000), N: 5000}
		calls = append(calls, func() { b.MatMul(mm) }, func() { b.LayerNormBackward(ln) },
			func() { b.CrossEntropy(ce) }, func() { b.SquaredNorm(sn) })
		for _, shape := range [][2]int{{1, 64}, {130, 64}, {130, 128}} { // one query, two stages backwards, and one
			const keys, heads = 260, 1
			queries, width := shape[0], shape[1]
			mask := kernels.Mask{
				Batch:  1,
				T:      queries,
				S:      keys,
				Pos:    zeros(t, b, tensor.Int32, keys),
				Lo:     zeros(t, b, tensor.Int32, queries),
				Hi:     zeros(t, b, tensor.Int32, queries),
				Tables: zeros(t, b, tensor.Int32, b.MaskTablesLen(1, queries, keys)),
			}
			b.PrepareMask(mask)
			matrix := func(rows int) kernels.Strided { return kernels.Dense(floats(dt, rows*width), width) }
			forward := kernels.AttentionForward{
				T:    queries,
				S:    keys,
				H:    heads,
				D:    width,
				Q:    matrix(queries),
				K:    matrix(keys),
				V:    matrix(keys),
				Out:  matrix(queries),
				LSE:  zeros(t, b, f, queries),
				Mask: mask,
			}
			backward := kernels.AttentionBackward{
				T:     queries,
				S:     keys,
				H:     heads,
				D:     width,
				DQ:    matrix(queries),
				DK:    matrix(keys),
				DV:    matrix(keys),
				Q:     forward.Q,
				K:     forward.K,
				V:     forward.V,
				Out:   forward.Out,
				DOut:  matrix(queries),
				LSE:   forward.LSE,
				Delta: zeros(t, b, f, queries),
				Mask:  mask,
			}
			calls = append(calls, func() { b.Attention(forward) }, func() { b.AttentionBackward(backward) })
		}
	}
	return calls
}

func zeros(t *testing.T, b *cuda.Backend, dt tensor.DType, n int) kernels.Buffer {
	t.Helper()
	buf, err := b.Alloc(dt, n)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Free(buf) })
	return buf
}
