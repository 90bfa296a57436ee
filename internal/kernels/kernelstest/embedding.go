package kernelstest

import (
	"fmt"
	"math"
	"testing"

	"dmtrain/internal/kernels"
	"dmtrain/internal/tensor"
)

func (s *suite) testEmbedding(t *testing.T) {
	s.eachFloat(t, func(t *testing.T, dt tensor.DType) {
		for _, c := range []struct{ n, v, c int }{{1, 1, 1}, {7, 3, 65}, {65, 129, 7}, {129, 2, 63}, {300, 1, 16},
			{33, 61, 129}} {
			for add := addNone; add <= addSame; add++ {
				t.Run(fmt.Sprintf("Embed/n=%d,v=%d,c=%d,add=%d", c.n, c.v, c.c, add), func(t *testing.T) {
					s.embed(t, dt, c.n, c.v, c.c, add)
				})
			}
			t.Run(fmt.Sprintf("EmbedBackward/n=%d,v=%d,c=%d", c.n, c.v, c.c), func(t *testing.T) {
				s.embedBackward(t, dt, c.n, c.v, c.c)
			})
		}
	})
}

func (s *suite) embed(tb *testing.T, dt tensor.DType, n, v, c int, add addend) {
	t := s.trial(tb)
	table, ids := t.in("Table", dt, t.normal(v*c)), t.in("IDs", tensor.Int32, t.below(n, v))
	var out, term *operand
	switch add {
	case addNone:
		out = t.out("Out", dt, n*c, exactly)
	case addOther:
		out, term = t.out("Out", dt, n*c, exactly), t.in("Add", dt, t.normal(n*c))
	case addSame:
		out = t.update("Out", dt, t.normal(n*c), exactly)
		term = out
	}
	t.check(func(k kernels.Backend, at *bound) {
		k.Embed(kernels.Embed{
			Out:   at.buf(out),
			Table: at.buf(table),
			IDs:   at.buf(ids),
			Add:   at.buf(term),
			N:     n,
			V:     v,
			C:     c,
		})
	})
}

// embedBackward draws ids that repeat and ids that never occur, whose rows must stay.
func (s *suite) embedBackward(tb *testing.T, dt tensor.DType, n, v, c int) {
	t := s.trial(tb)
	dout, ids := t.in("DOut", dt, t.normal(n*c)), t.in("IDs", tensor.Int32, t.below(n, v))
	dtable := t.update("DTable", tensor.Float32, t.normal(v*c), within(n+1).atLeast(math.Sqrt(float64(n)/float64(v))))
	t.check(func(k kernels.Backend, at *bound) {
		k.EmbedBackward(kernels.EmbedBackward{
			DTable: at.buf(dtable),
			DOut:   at.buf(dout),
			IDs:    at.buf(ids),
			N:      n,
			V:      v,
			C:      c,
		})
	})
}

// testRows puts rows into a wider matrix and gets them out of one.
func (s *suite) testRows(t *testing.T) {
	s.eachFloat(t, func(t *testing.T, dt tensor.DType) {
		for _, c := range []struct{ n, rows, cols, offset, gap int }{
			{1, 1, 1, 0, 0}, {7, 9, 65, 0, 0}, {7, 9, 63, 5, 66}, {65, 129, 7, 3, 1}, {33, 40, 64, 64, 128},
		} {
			at := scattered(c.n, c.rows)
			t.Run(fmt.Sprintf("PutRows/%+v", c), func(t *testing.T) {
				t1 := s.trial(t)
				src := t1.in("Src", dt, t1.normal(c.n*c.cols)).strided(c.cols, c.offset, c.gap)
				dst := t1.update("Dst", dt, t1.normal(c.rows*c.cols), exactly).strided(c.cols, c.gap, c.offset)
				index := t1.in("At", tensor.Int32, at)
				t1.check(func(k kernels.Backend, b *bound) {
					k.PutRows(kernels.PutRows{
						Dst: b.rows(dst),
						Src: b.rows(src),
						At:  b.buf(index),
						N:   c.n,
						C:   c.cols,
					})
				})
			})
			t.Run(fmt.Sprintf("GetRows/%+v", c), func(t *testing.T) {
				t1 := s.trial(t)
				src := t1.in("Src", dt, t1.normal(c.rows*c.cols)).strided(c.cols, c.offset, c.gap)
				dst := t1.out("Dst", dt, c.n*c.cols, exactly).strided(c.cols, c.gap, c.offset)
				index := t1.in("At", tensor.Int32, at)
				t1.check(func(k kernels.Backend, b *bound) {
					k.GetRows(kernels.GetRows{
						Dst: b.rows(dst),
						Src: b.rows(src),
						At:  b.buf(index),
						N:   c.n,
						C:   c.cols,
					})
				})
			})
		}
	})
}

// scattered is n distinct indices below rows, from the last downwards, every third of them negative instead.
func scattered(n, rows int) []int32 {
	at := make([]int32, n)
	for i := range at {
		at[i] = int32(rows - 1 - i)
		if i%3 == 1 {
			at[i] = int32(-i)
		}
	}
	return at
}
