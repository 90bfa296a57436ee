package cpu

import (
	"fmt"

	"dmtrain/internal/kernels"
)

// Embed gathers rows of the table. A row whose id is a fault is left as Add, or 0.
func (b *Backend) Embed(a kernels.Embed) {
	t := embedTask{
		prim:  &b.prim,
		mem:   &b.memory,
		out:   f32(a.Out, a.N*a.C),
		table: f32(a.Table, a.V*a.C),
		ids:   i32(a.IDs, a.N),
		add:   optF32(a.Add, a.N*a.C),
		v:     a.V,
		c:     a.C,
	}
	launch(b, &b.tasks.embed, t, pieces(a.N, rowsPerItem(a.C)))
}

type embedTask struct {
	prim            *primitives
	mem             *memory
	out, table, add []float32
	ids             []int32
	v, c            int
}

func (t *embedTask) run(_ *worker, item int) {
	n0, n1 := span(item, rowsPerItem(t.c), len(t.ids))
	for n := n0; n < n1; n++ {
		out := t.out[n*t.c : (n+1)*t.c]
		id := int(t.ids[n])
		if id < 0 || id >= t.v {
			t.mem.report(fmt.Errorf("cpu: embed: token id %d is outside the vocabulary of %d", id, t.v))
			start(out, nil, t.add, 0, n*t.c)
			continue
		}
		row := t.table[id*t.c : (id+1)*t.c]
		if t.add == nil {
			copy(out, row)
			continue
		}
		t.prim.add(out, row, t.add[n*t.c:(n+1)*t.c])
	}
}

// EmbedBackward adds gradients to the table's rows. A worker owns a stripe of columns and goes through all
// tokens, so each row's sum is taken in ascending order of tokens.
func (b *Backend) EmbedBackward(a kernels.EmbedBackward) {
	t := embedBackwardTask{
		prim:  &b.prim,
		mem:   &b.memory,
		table: f32(a.DTable, a.V*a.C),
		dy:    f32(a.DOut, a.N*a.C),
		ids:   i32(a.IDs, a.N),
		v:     a.V,
		c:     a.C,
	}
	launch(b, &b.tasks.embedBackward, t, pieces(a.C, stripe))
}

type embedBackwardTask struct {
	prim      *primitives
	mem       *memory
	table, dy []float32
	ids       []int32
	v, c      int
}

func (t *embedBackwardTask) run(_ *worker, item int) {
	j0, j1 := span(item, stripe, t.c)
	for n, id := range t.ids {
		if id < 0 || int(id) >= t.v {
			t.mem.report(fmt.Errorf("cpu: embed backward: token id %d is outside the vocabulary of %d", id, t.v))
			continue
		}
		row := t.table[int(id)*t.c+j0 : int(id)*t.c+j1]
		t.prim.add(row, row, t.dy[n*t.c+j0:n*t.c+j1])
	}
}

// PutRows scatters rows.
func (b *Backend) PutRows(a kernels.PutRows) {
	t := rowsTask{
		mem:   &b.memory,
		op:    "put rows",
		src:   strided(a.Src, a.N, a.C),
		dst:   strided(a.Dst, 0, a.C),
		at:    i32(a.At, a.N),
		limit: wholeRows(a.Dst, a.C),
		c:     a.C,
		put:   true,
	}
	launch(b, &b.tasks.rows, t, pieces(a.N, rowsPerItem(a.C)))
}

// GetRows gathers rows.
func (b *Backend) GetRows(a kernels.GetRows) {
	t := rowsTask{
		mem:   &b.memory,
		op:    "get rows",
		src:   strided(a.Src, 0, a.C),
		dst:   strided(a.Dst, a.N, a.C),
		at:    i32(a.At, a.N),
		limit: wholeRows(a.Src, a.C),
		c:     a.C,
	}
	launch(b, &b.tasks.rows, t, pieces(a.N, rowsPerItem(a.C)))
}

// rowsTask copies rows by index, either way.
type rowsTask struct {
	mem      *memory
	op       string
	src, dst matrix
	at       []int32
	limit, c int // rows of the indexed matrix, width
	put      bool
}

func (t *rowsTask) run(_ *worker, item int) {
	n0, n1 := span(item, rowsPerItem(t.c), len(t.at))
	for n := n0; n < n1; n++ {
		at := int(t.at[n])
		if at >= t.limit {
			t.mem.report(fmt.Errorf("cpu: %s: row %d of %d", t.op, at, t.limit))
			at = -1
		}
		switch {
		case t.put && at >= 0:
			copy(t.dst.row(at, t.c), t.src.row(n, t.c))
		case !t.put && at >= 0:
			copy(t.dst.row(n, t.c), t.src.row(at, t.c))
		case !t.put:
			clear(t.dst.row(n, t.c))
		}
	}
}
