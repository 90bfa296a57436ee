package model

import (
	"dmtrain/internal/graph"
	"dmtrain/internal/kernels"
	"dmtrain/internal/tensor"
)

// reorder moves rows of caches, for beams that change places.
type reorder struct {
	n        int          // rows to move
	rows     *graph.Value // (·, C) of the cache's type, where rows wait
	from, to *staging[int32]
}

// newReorder makes room for n rows of width c and type t.
func newReorder(g *graph.Graph, t tensor.DType, n, c int) *reorder {
	return &reorder{rows: g.State(t, n, c), from: ints(g, n), to: ints(g, n)}
}

// plan uploads that each row's first n positions, of so many that the cache has for a row, become its parent's. It says
// whether any row moves; none is gone to twice.
func (r *reorder) plan(be kernels.Backend, parents []int32, n, context int) bool {
	r.n = 0
	from, to := r.from.room(), r.to.room()
	for b, parent := range parents {
		if int(parent) == b {
			continue
		}
		for i := range n {
			from[r.n], to[r.n] = parent*int32(context)+int32(i), int32(b*context+i)
			r.n++
		}
	}
	if r.n == 0 {
		return false
	}
	r.from.send(be)
	r.to.send(be)
	return true
}

// move moves the planned rows of a cache. All are read before any is written.
func (r *reorder) move(be kernels.Backend, cache kernels.Buffer) {
	c := r.rows.Shape.Cols()
	all, some := kernels.Dense(cache, c), kernels.Dense(r.rows.Buffer(), c)
	be.GetRows(kernels.GetRows{Dst: some, Src: all, At: r.from.value.Buffer(), N: r.n, C: c})
	be.PutRows(kernels.PutRows{Dst: all, Src: some, At: r.to.value.Buffer(), N: r.n, C: c})
}
