package kernelstest

import (
	"bytes"
	"fmt"
	"testing"

	"dmtrain/internal/kernels"
	"dmtrain/internal/rng"
	"dmtrain/internal/tensor"
)

// cut is a call over some of its rows.
type cut struct {
	name string
	rows int
	outs []kernels.Buffer // each with rows of its own width
	call func(from, n int)
}

// testCuts makes each call once over all rows and again piece by piece. A row must come out with the same bits:
// batches may be cut anywhere, and the draws of a row follow the row.
func (s *suite) testCuts(t *testing.T) {
	s.eachFloat(t, func(t *testing.T, dt tensor.DType) {
		d := &device{t, s.k}
		for _, c := range append(denseCuts(d, dt), append(drawnCuts(d, dt), attentionCuts(d, dt)...)...) {
			t.Run(c.name, func(t *testing.T) { c.check(&device{t, s.k}) })
		}
	})
}

func (c cut) check(d *device) {
	c.call(0, c.rows)
	whole := make([][]uint8, len(c.outs))
	for i, out := range c.outs {
		whole[i] = d.bits(out)
	}
	for _, step := range []int{1, 3, c.rows/2 + 1} {
		for _, out := range c.outs {
			d.poison(out)
		}
		for from := 0; from < c.rows; from += step {
			c.call(from, min(step, c.rows-from))
		}
		for i, out := range c.outs {
			if got := d.bits(out); !bytes.Equal(got, whole[i]) {
				at := 0
				for got[at] == whole[i][at] {
					at++
				}
				d.Errorf("output %d differs in row %d when cut into pieces of %d rows", i, at*c.rows/len(got), step)
			}
		}
	}
}

func denseCuts(d *device, dt tensor.DType) []cut {
	const rows, cols, inner, v = 67, 65, 129, 61
	f := tensor.Float32
	var cuts []cut
	x, y, add := d.normal(dt, 1, rows*inner), d.normal(dt, 2, rows*inner), d.normal(dt, 3, rows*cols)
	for _, transB := range []bool{false, true} {
		w, bias, out, gelu := d.normal(dt, 4, inner*cols), d.normal(dt, 5, cols), d.alloc(dt, rows*cols),
			d.alloc(dt, rows*cols)
		cuts = append(cuts, cut{fmt.Sprintf("MatMul,transB=%t", transB), rows, []kernels.Buffer{out, gelu},
			func(from, n int) {
				d.k.MatMul(kernels.MatMul{
					C:      d.rows(out, from, n, cols),
					A:      d.rows(x, from, n, inner),
					B:      w,
					M:      n,
					N:      cols,
					K:      inner,
					TransB: transB,
					Bias:   bias,
					Add:    d.rows(add, from, n, cols),
					Gelu:   d.rows(gelu, from, n, cols),
				})
			}})
	}
	weight, normed, mean, rstd := d.normal(dt, 6, inner), d.alloc(dt, rows*inner), d.alloc(f, rows), d.alloc(f, rows)
	cuts = append(cuts, cut{"LayerNorm", rows, []kernels.Buffer{normed, mean, rstd}, func(from, n int) {
		d.k.LayerNorm(kernels.LayerNorm{
			Y:      d.rows(normed, from, n, inner),
			X:      d.rows(x, from, n, inner),
			Weight: weight,
			Bias:   weight,
			Mean:   d.rows(mean, from, n, 1),
			RStd:   d.rows(rstd, from, n, 1),
			Rows:   n,
			Cols:   inner,
			Eps:    normEps,
		})
	}})
	dx, zeros, ones := d.alloc(dt, rows*inner), d.constants(rows, 0), d.constants(rows, 1)
	dweight, dbias := d.alloc(f, inner), d.alloc(f, inner)
	cuts = append(cuts, cut{"LayerNormBackward", rows, []kernels.Buffer{dx}, func(from, n int) {
		d.k.LayerNormBackward(kernels.LayerNormBackward{
			DX:      d.rows(dx, from, n, inner),
			DWeight: dweight,
			DBias:   dbias,
			DY:      d.rows(y, from, n, inner),
			X:       d.rows(x, from, n, inner),
			Weight:  weight,
			Mean:    d.rows(zeros, from, n, 1),
			RStd:    d.rows(ones, from, n, 1),
			Rows:    n,
			Cols:    inner,
		})
	}})
	logits, targets, dlogits := d.normal(dt, 7, rows*v), d.ids(rows, v), d.alloc(dt, rows*v)
	nll, conf, entropy, margin := d.alloc(f, rows), d.alloc(f, rows), d.alloc(f, rows), d.alloc(f, rows)
	argmax, scale := d.alloc(tensor.Int32, rows), d.constants(1, 0.1)
	cuts = append(cuts, cut{"CrossEntropy", rows, []kernels.Buffer{nll, conf, entropy, margin, argmax, dlogits},
		func(from, n int) {
			d.k.CrossEntropy(kernels.CrossEntropy{
				Logits:  d.rows(logits, from, n, v),
				Targets: d.rows(targets, from, n, 1),
				N:       n,
				V:       v,
				NLL:     d.rows(nll, from, n, 1),
				Conf:    d.rows(conf, from, n, 1),
				Entropy: d.rows(entropy, from, n, 1),
				Margin:  d.rows(margin, from, n, 1),
				Argmax:  d.rows(argmax, from, n, 1),
				DLogits: d.rows(dlogits, from, n, v),
				Scale:   scale,
			})
		}})
	dgelu := d.alloc(dt, rows*inner)
	return append(cuts, cut{"GeluBackward", rows, []kernels.Buffer{dgelu}, func(from, n int) {
		d.k.GeluBackward(kernels.GeluBackward{
			DX: d.rows(dgelu, from, n, inner),
			DY: d.rows(y, from, n, inner),
			X:  d.rows(x, from, n, inner),
			N:  n * inner,
		})
	}})
}

// drawnCuts give each piece the draw of its first row.
func drawnCuts(d *device, dt tensor.DType) []cut {
	const rows, lines, cols = 7, 5, 65
	x, dropped := d.normal(dt, 1, rows*lines*cols), d.alloc(dt, rows*lines*cols)
	hidden, rate := d.alloc(tensor.Uint8, rows*cols), d.constants(rows*cols, 0.4)
	return []cut{
		{"Dropout", rows, []kernels.Buffer{dropped}, func(from, n int) {
			d.k.Dropout(kernels.Dropout{
				Y:       d.rows(dropped, from, n, lines*cols),
				X:       d.rows(x, from, n, lines*cols),
				Draw:    d.ints(drawWords(9, 8, 100+from)...),
				Purpose: rng.Dropout,
				Rate:    0.4,
				Rows:    n * lines,
				Cols:    cols,
				Lines:   lines,
			})
		}},
		{"Bernoulli", rows, []kernels.Buffer{hidden}, func(from, n int) {
			d.k.Bernoulli(kernels.Bernoulli{
				Hidden: d.rows(hidden, from, n, cols),
				Rate:   d.rows(rate, from, n, cols),
				Draw:   d.ints(drawWords(9, 8, 100+from)...),
				B:      n,
				T:      cols,
			})
		}},
	}
}

// attentionCuts cut between batch rows, some edges dropped.
func attentionCuts(d *device, dt tensor.DType) []cut {
	const batch, t, h, width = 5, 67, 2, 32
	c := h * width
	m := newMask(batch, t, t)
	causal(nil, m)
	m.byQuery(func(q, i int) { m.lo[q] = int32(i - i%(7+q/t)) })
	f, n := tensor.Float32, batch*t*c
	q, k, v, dout := d.normal(dt, 1, n), d.normal(dt, 2, n), d.normal(dt, 3, n), d.normal(dt, 4, n)
	out, lse, delta := d.alloc(dt, n), d.alloc(f, batch*h*t), d.alloc(f, batch*h*t)
	dq, dk, dv := d.alloc(dt, n), d.alloc(dt, n), d.alloc(dt, n)
	part := func(b kernels.Buffer, from, n int) kernels.Strided { return kernels.Dense(d.rows(b, from, n, t*c), c) }
	edges := func(from int) kernels.EdgeDrop {
		return kernels.EdgeDrop{Rate: 0.2, Layer: 1, Draw: d.ints(drawWords(9, 8, 100+from)...)}
	}
	return []cut{
		{"Attention", batch, []kernels.Buffer{out, lse}, func(from, n int) {
			d.k.Attention(kernels.AttentionForward{
				T:    t,
				S:    t,
				H:    h,
				D:    width,
				Q:    part(q, from, n),
				K:    part(k, from, n),
				V:    part(v, from, n),
				Out:  part(out, from, n),
				LSE:  d.rows(lse, from, n, h*t),
				Mask: d.mask(m, from, n),
				Drop: edges(from),
			})
		}},
		{"AttentionBackward", batch, []kernels.Buffer{dq, dk, dv}, func(from, n int) {
			d.k.AttentionBackward(kernels.AttentionBackward{
				T:     t,
				S:     t,
				H:     h,
				D:     width,
				DQ:    part(dq, from, n),
				DK:    part(dk, from, n),
				DV:    part(dv, from, n),
				Q:     part(q, from, n),
				K:     part(k, from, n),
				V:     part(v, from, n),
				Out:   part(out, from, n),
				DOut:  part(dout, from, n),
				LSE:   d.rows(lse, from, n, h*t),
				Delta: d.rows(delta, from, n, h*t),
				Mask:  d.mask(m, from, n),
				Drop:  edges(from),
			})
		}},
	}
}
