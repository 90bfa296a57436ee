package bench

import (
	"context"
	"math"

	"dmtrain/internal/kernels"
	"dmtrain/internal/tensor"
)

// Squares of these widths are tried, until one takes long enough.
const (
	narrowest, widest = 64, 1 << 14
	shortProduct      = 0.5e-3 // seconds: a product that ends sooner is not large
	longProduct       = 50e-3
	peakSeconds       = 0.3 // a large product is tried for at least so long, and
	peakCalls         = 3   // so often
)

// Peak is how fast matrix products can be.
type Peak struct {
	GflopsPerS float64
	N          int // of the fastest product, N×N×N
}

// MatMulPeak is the rate of the fastest of several large square products of a type, as large as is worth while and
// as there is room for.
func MatMulPeak(ctx context.Context, be kernels.Backend, t tensor.DType) (Peak, error) {
	var best Peak
	large := false
	for n := narrowest; n <= widest; n *= 2 {
		if err := ctx.Err(); err != nil {
			return best, err
		}
		seconds, err := squareSeconds(be, t, n)
		if err != nil || seconds == 0 {
			return best, err
		}
		rate := 2 * float64(n) * float64(n) * float64(n) / seconds / 1e9
		if !large || rate > best.GflopsPerS {
			best = Peak{rate, n}
		}
		if seconds > longProduct {
			break
		}
		large = large || seconds > shortProduct
	}
	return best, nil
}

// squareSeconds is how long the fastest of some products took; 0 where there is no room for one. A small one is
// tried once.
func squareSeconds(be kernels.Backend, t tensor.DType, n int) (float64, error) {
	m := memory{be: be}
	defer m.free()
	call := kernels.MatMul{
		A: m.normal(t, n, n, 1),
		B: m.normal(t, n, n, 2),
		C: m.alloc(t, n*n),
		M: n,
		N: n,
		K: n,
	}
	if m.full && n > narrowest {
		return 0, nil
	}
	if m.err != nil {
		return 0, m.err
	}
	w, err := NewStopwatch(be)
	if err != nil {
		return 0, err
	}
	be.MatMul(call) // a first call may pack, compile or start workers
	fastest, total := math.Inf(1), 0.0
	for i := 0; total < peakSeconds || i < peakCalls; i++ {
		seconds, err := timeOne(w, func() { be.MatMul(call) })
		if err != nil {
			return 0, err
		}
		fastest, total = min(fastest, seconds), total+seconds
		if fastest < shortProduct {
			break
		}
	}
	return fastest, nil
}
