package model

import (
	"dmtrain/internal/kernels"
	"dmtrain/internal/tensor"
)

// reorder moves rows of caches, for beams that change places.
type reorder struct {
	n, c             int            // rows to move, their width
	rows             kernels.Buffer // (·, C) of the cache's type, where rows wait
	from, to         kernels.Buffer // int32
	hostFrom, hostTo []int32
	boxFrom, boxTo   any // the two above: boxing them anew would allocate
}

// newReorder makes room for n rows of width c and type t.
func newReorder(be kernels.Backend, t tensor.DType, n, c int) (*reorder, error) {
	r := &reorder{c: c, hostFrom: make([]int32, n), hostTo: make([]int32, n)}
	r.boxFrom, r.boxTo = r.hostFrom, r.hostTo
	for _, b := range []struct {
		buf   *kernels.Buffer
		dtype tensor.DType
		n     int
	}{{&r.rows, t, n * c}, {&r.from, tensor.Int32, n}, {&r.to, tensor.Int32, n}} {
		buf, err := be.Alloc(b.dtype, b.n)
		if err != nil {
			r.free(be)
			return nil, err
		}
		*b.buf = buf
	}
	return r, nil
}

func (r *reorder) free(be kernels.Backend) {
	for _, b := range []kernels.Buffer{r.rows, r.from, r.to} {
		if b != nil {
			be.Free(b)
		}
	}
}

// plan uploads that each row's first n positions, of so many that the cache has for a row, become its parent's. It says whether any
// row moves; none is gone to twice.
func (r *reorder) plan(be kernels.Backend, parents []int32, n, context int) bool {
	r.n = 0
	for b, parent := range parents {
		if int(parent) == b {
			continue
		}
		for i := range n {
			r.hostFrom[r.n], r.hostTo[r.n] = parent*int32(context)+int32(i), int32(b*context+i)
			r.n++
		}
	}
	if r.n == 0 {
		return false
	}
	be.Upload(r.from, r.boxFrom)
	be.Upload(r.to, r.boxTo)
	return true
}

// move moves the planned rows of a cache. All are read before any is written.
func (r *reorder) move(be kernels.Backend, cache kernels.Buffer) {
	all, some := kernels.Dense(cache, r.c), kernels.Dense(r.rows, r.c)
	be.GetRows(kernels.GetRows{Dst: some, Src: all, At: r.from, N: r.n, C: r.c})
	be.PutRows(kernels.PutRows{Dst: all, Src: some, At: r.to, N: r.n, C: r.c})
}
