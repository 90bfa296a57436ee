package ref

import "dmtrain/internal/kernels"

// Embed implements kernels.Embedding.
func (r *Backend) Embed(p kernels.Embed) {
	table, ids := widen(p.Table, p.V*p.C, "Table"), int32s(p.IDs, p.N, "IDs")
	floating(p.Out, p.N*p.C, "Out")
	add := widenOptional(p.Add, p.N*p.C, "Add")
	if !r.indicesWithin(ids, 0, p.V, "embed") {
		return
	}
	out := takeRows(table, ids, p.C)
	addAll(out, add)
	round(p.Out, out, "Out")
}

// EmbedBackward implements kernels.Embedding.
func (r *Backend) EmbedBackward(p kernels.EmbedBackward) {
	table, ids := widen(p.DTable, p.V*p.C, "DTable"), int32s(p.IDs, p.N, "IDs")
	dout := widen(p.DOut, p.N*p.C, "DOut")
	if !r.indicesWithin(ids, 0, p.V, "embed backward") {
		return
	}
	for n, id := range ids {
		addAll(table[int(id)*p.C:], dout[n*p.C:][:p.C])
	}
	round(p.DTable, table, "DTable")
}

// PutRows implements kernels.Embedding.
func (r *Backend) PutRows(p kernels.PutRows) {
	at, src := int32s(p.At, p.N, "At"), gather(p.Src, p.N, p.C, "Src")
	if !r.indicesWithin(at, minInt32, rowsOf(p.Dst, p.C, "Dst"), "put rows") {
		return
	}
	for n, to := range at {
		if to >= 0 {
			row := p.Dst
			row.Offset += int(to) * row.Stride
			scatter(row, src[n*p.C:], 1, p.C, "Dst")
		}
	}
}

// GetRows implements kernels.Embedding.
func (r *Backend) GetRows(p kernels.GetRows) {
	at, rows := int32s(p.At, p.N, "At"), rowsOf(p.Src, p.C, "Src")
	checked(p.Dst, p.N, p.C, "Dst")
	if !r.indicesWithin(at, minInt32, rows, "get rows") {
		return
	}
	scatter(p.Dst, takeRows(gather(p.Src, rows, p.C, "Src"), at, p.C), p.N, p.C, "Dst")
}

const minInt32 = -1 << 31

// rowsOf is how many rows of a width fit in s.
func rowsOf(s kernels.Strided, cols int, name string) int {
	free := checked(s, 1, cols, name).n - s.Offset - cols
	if s.Stride < cols {
		return 1
	}
	return 1 + free/s.Stride
}

// takeRows gathers rows of a table; a negative index gives zeros.
func takeRows(table []float64, at []int32, cols int) []float64 {
	out := make([]float64, len(at)*cols)
	for n, row := range at {
		if row >= 0 {
			copy(out[n*cols:][:cols], table[int(row)*cols:])
		}
	}
	return out
}
