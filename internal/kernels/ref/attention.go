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
				a.head(q, b, h, p.T), a.head(k, b, h, p.S), a.head(v, b, h, p.S), a.head(dout, b, h, p.T),
				a.edges(b, h))
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
	a := attention{
		batch: m.Batch,
		t:     t,
		s:     s,
		h:     h,
		d:     d,
		mask:  preparedMask(m),
		drop:  drop,
	}
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

// edge is a key that a query sees, and what edge dropping multiplies its weight by.
type edge struct {
	key    int
	factor float64
}

// edges lists what query i of a batch row and head sees. Hidden keys appear nowhere, and so never enter the arithmetic.
func (a attention) edges(b, h int) func(i int) []edge {
	purpose := a.drop.Purpose(h)
	return func(i int) []edge {
		var seen []edge
		for j := range a.s {
			if !a.mask.visible(b, i, j) {
				continue
			}
			factor := 1.0
			if a.drop.Rate > 0 {
				line := (a.draw.first+uint32(b))*uint32(a.t) + uint32(i)
				factor = survival(a.drop.Rate, a.draw.unit(purpose, line, j))
			}
			seen = append(seen, edge{j, factor})
		}
		return seen
	}
}

// attend is one head: out[i] = Σ_j factor_ij·p_ij·v[j].
func attend(out [][]float64, lse []float64, q, k, v [][]float64, edges func(i int) []edge) {
	for i := range q {
		seen := edges(i)
		var p []float64
		p, lse[i] = weights(q[i], k, seen)
		for n, e := range seen {
			accumulate(out[i], e.factor*p[n], v[e.key])
		}
	}
}

// attendBackward is one head's gradients. With g_ij = factor_ij·(dout[i]·v[j]), the gradient of the weight,
//
//	ds_ij = p_ij·(g_ij − Σ_l p_il·g_il),  dq[i] = Σ_j ds_ij·k[j]/√D,  dk[j] = Σ_i ds_ij·q[i]/√D,  dv[j] = Σ_i factor_ij·p_ij·dout[i]
func attendBackward(dq, dk, dv, q, k, v, dout [][]float64, edges func(i int) []edge) {
	for i := range q {
		seen := edges(i)
		p, _ := weights(q[i], k, seen)
		g := make([]float64, len(seen))
		for n, e := range seen {
			g[n] = e.factor * dot(dout[i], v[e.key])
			accumulate(dv[e.key], e.factor*p[n], dout[i])
		}
		mean := dot(p, g)
		for n, e := range seen {
			ds := p[n] * (g[n] - mean) / math.Sqrt(float64(len(q[i])))
			accumulate(dq[i], ds, k[e.key])
			accumulate(dk[e.key], ds, q[i])
		}
	}
}

// weights is the softmax of a query's scores over the keys it sees, and the logarithm of the sum of their
// exponentials, 0 when it sees none. The largest score is subtracted first, so that nothing overflows.
func weights(q []float64, k [][]float64, seen []edge) (p []float64, lse float64) {
	if len(seen) == 0 {
		return nil, 0
	}
	p = make([]float64, len(seen))
	largest := math.Inf(-1)
	for n, e := range seen {
		p[n] = dot(q, k[e.key]) / math.Sqrt(float64(len(q)))
		largest = math.Max(largest, p[n])
	}
	sum := 0.0
	for n := range p {
		p[n] = math.Exp(p[n] - largest)
		sum += p[n]
	}
	for n := range p {
		p[n] /= sum
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
