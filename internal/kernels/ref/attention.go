package ref

import (
	"math"

	"dmtrain/internal/kernels"
	"dmtrain/internal/tensor"
)

// Attention implements kernels.Attention.
func (r *Backend) Attention(p kernels.AttentionForward) {
	a := newAttention(p.T, p.S, p.H, p.D, p.Mask, p.Drop)
	q, k, v := a.queries(p.Q, "Q"), a.keys(p.K, "K"), a.keys(p.V, "V")
	typed(p.LSE, tensor.Float32, a.batch*p.H*p.T, "LSE")
	out, lse := make([]float64, len(q)), make([]float64, a.batch*p.H*p.T)
	for b := range a.batch {
		for h := range p.H {
			attend(a.head(out, b, h, p.T), lse[(b*p.H+h)*p.T:][:p.T],
				a.head(q, b, h, p.T), a.head(k, b, h, p.S), a.head(v, b, h, p.S), a.edges(b, h))
		}
	}
	scatter(p.Out, out, a.batch*p.T, p.H*p.D, "Out")
	round(p.LSE, lse, "LSE")
}

// AttentionBackward implements kernels.Attention. It recomputes the softmax, and so reads neither Out nor LSE; they are
// checked all the same.
func (r *Backend) AttentionBackward(p kernels.AttentionBackward) {
	a := newAttention(p.T, p.S, p.H, p.D, p.Mask, p.Drop)
	q, k, v, dout := a.queries(p.Q, "Q"), a.keys(p.K, "K"), a.keys(p.V, "V"), a.queries(p.DOut, "DOut")
	checked(p.Out, a.batch*p.T, p.H*p.D, "Out")
	typed(p.LSE, tensor.Float32, a.batch*p.H*p.T, "LSE")
	typed(p.Delta, tensor.Float32, a.batch*p.H*p.T, "Delta")
	dq, dk, dv := make([]float64, len(q)), make([]float64, len(k)), make([]float64, len(v))
	for b := range a.batch {
		for h := range p.H {
			attendBackward(a.head(dq, b, h, p.T), a.head(dk, b, h, p.S), a.head(dv, b, h, p.S),
				a.head(q, b, h, p.T), a.head(k, b, h, p.S), a.head(v, b, h, p.S), a.head(dout, b, h, p.T), a.edges(b, h))
		}
	}
	scatter(p.DQ, dq, a.batch*p.T, p.H*p.D, "DQ")
	scatter(p.DK, dk, a.batch*p.S, p.H*p.D, "DK")
	scatter(p.DV, dv, a.batch*p.S, p.H*p.D, "DV")
}

// attention is what both directions share.
type attention struct {
	batch, t, s, h, d int
	mask              mask
	drop              kernels.EdgeDrop
	draw              draw
}

func newAttention(t, s, h, d int, m kernels.Mask, drop kernels.EdgeDrop) attention {
	if m.T != t || m.S != s {
		panic("kernels: mask of another shape")
	}
	a := attention{batch: m.Batch, t: t, s: s, h: h, d: d, mask: preparedMask(m), drop: drop}
	if drop.Rate > 0 {
		a.draw = drawOf(drop.Draw)
	}
	return a
}

func (a attention) queries(x kernels.Strided, name string) []float64 {
	return gather(x, a.batch*a.t, a.h*a.d, name)
}

func (a attention) keys(x kernels.Strided, name string) []float64 {
	return gather(x, a.batch*a.s, a.h*a.d, name)
}

// head is the rows of one batch row and head, as views of x.
func (a attention) head(x []float64, b, h, rows int) [][]float64 {
	out := make([][]float64, rows)
	for i := range out {
		out[i] = x[((b*rows+i)*a.h+h)*a.d:][:a.d]
	}
	return out
}

// edge tells whether query i sees key j, and what edge dropping multiplies its weight by.
type edge func(i, j int) (visible bool, factor float64)

func (a attention) edges(b, h int) edge {
	purpose := a.drop.Purpose(h)
	return func(i, j int) (bool, float64) {
		if !a.mask.visible(b, i, j) {
			return false, 0
		}
		if a.drop.Rate == 0 {
			return true, 1
		}
		line := (a.draw.first+uint32(b))*uint32(a.t) + uint32(i)
		return true, survival(a.drop.Rate, a.draw.unit(purpose, line, j))
	}
}

// attend is one head: out[i] = Σ_j factor_ij·p_ij·v[j].
func attend(out [][]float64, lse []float64, q, k, v [][]float64, see edge) {
	for i := range q {
		var p []float64
		p, lse[i] = weights(q[i], k, i, see)
		for j := range k {
			if visible, factor := see(i, j); visible {
				accumulate(out[i], factor*p[j], v[j])
			}
		}
	}
}

// attendBackward is one head's gradients. With g_ij = factor_ij·(dout[i]·v[j]), the gradient of the weight,
//
//	ds_ij = p_ij·(g_ij − Σ_l p_il·g_il),  dq[i] = Σ_j ds_ij·k[j]/√D,  dk[j] = Σ_i ds_ij·q[i]/√D,  dv[j] = Σ_i factor_ij·p_ij·dout[i]
func attendBackward(dq, dk, dv, q, k, v, dout [][]float64, see edge) {
	for i := range q {
		p, _ := weights(q[i], k, i, see)
		g, mean := make([]float64, len(k)), 0.0
		for j := range k {
			if visible, factor := see(i, j); visible {
				g[j] = factor * dot(dout[i], v[j])
				mean += p[j] * g[j]
				accumulate(dv[j], factor*p[j], dout[i])
			}
		}
		for j := range k {
			if visible, _ := see(i, j); visible {
				ds := p[j] * (g[j] - mean) / math.Sqrt(float64(len(q[i])))
				accumulate(dq[i], ds, k[j])
				accumulate(dk[j], ds, q[i])
			}
		}
	}
}

// weights is the softmax of a query's scores over the keys it sees, and the logarithm of their sum. It
// subtracts the largest visible score, so that nothing overflows.
func weights(q []float64, k [][]float64, i int, see edge) (p []float64, lse float64) {
	p = make([]float64, len(k))
	largest, seen := math.Inf(-1), false
	for j := range k {
		if visible, _ := see(i, j); visible {
			p[j] = dot(q, k[j]) / math.Sqrt(float64(len(q)))
			largest, seen = math.Max(largest, p[j]), true
		}
	}
	if !seen {
		return p, 0
	}
	sum := 0.0
	for j := range k {
		if visible, _ := see(i, j); visible {
			p[j] = math.Exp(p[j] - largest)
			sum += p[j]
		}
	}
	for j := range p {
		p[j] /= sum
	}
	return p, largest + math.Log(sum)
}

func dot(x, y []float64) float64 {
	sum := 0.0
	for c := range x {
		sum += x[c] * y[c]
	}
	return sum
}

// accumulate adds a·x to y.
func accumulate(y []float64, a float64, x []float64) {
	for c := range x {
		y[c] += a * x[c]
	}
}
