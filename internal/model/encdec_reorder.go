package model

import (
	"dmtrain/internal/kernels"
	"dmtrain/internal/tensor"
)

// reorderScratch is where cache rows wait while they change places.
type reorderScratch struct {
	rows     kernels.Buffer // (n, C), of the cache's type
	from, to kernels.Buffer // int32 (n)
}

// newReorderScratch makes room for n rows of width c and type t.
func newReorderScratch(be kernels.Backend, t tensor.DType, n, c int) (*reorderScratch, error) {
	s := &reorderScratch{}
	for _, b := range []struct {
		buf   *kernels.Buffer
		dtype tensor.DType
		n     int
	}{{&s.rows, t, n * c}, {&s.from, tensor.Int32, n}, {&s.to, tensor.Int32, n}} {
		buf, err := be.Alloc(b.dtype, b.n)
		if err != nil {
			s.free(be)
			return nil, err
		}
		*b.buf = buf
	}
	return s, nil
}

func (s *reorderScratch) free(be kernels.Backend) {
	for _, b := range []kernels.Buffer{s.rows, s.from, s.to} {
		if b != nil {
			be.Free(b)
		}
	}
}

// moves is a set of rows that change places at once.
type moves struct {
	n              int
	from, to, rows kernels.Buffer
}

// moves uploads which row goes where; no row is gone to twice.
func (s *reorderScratch) moves(be kernels.Backend, from, to []int32) moves {
	n := len(from)
	m := moves{n, be.Slice(s.from, tensor.Int32, 0, n), be.Slice(s.to, tensor.Int32, 0, n), s.rows}
	be.Upload(m.from, from)
	be.Upload(m.to, to)
	return m
}

// run moves rows of width c. All are read before any is written.
func (m moves) run(be kernels.Backend, cache kernels.Buffer, c int) {
	be.GetRows(kernels.GetRows{Dst: kernels.Dense(m.rows, c), Src: kernels.Dense(cache, c), At: m.from, N: m.n, C: c})
	be.PutRows(kernels.PutRows{Dst: kernels.Dense(cache, c), Src: kernels.Dense(m.rows, c), At: m.to, N: m.n, C: c})
}
