package cuda

import (
	"dmtrain/internal/gpu"
	"dmtrain/internal/kernels"
	"dmtrain/internal/tensor"
)

func rowGrid(rows int) gpu.Dim { return along(ceilDiv(rows, rowsPerBlock)) }

// Embed implements kernels.Embedding.
func (b *Backend) Embed(p kernels.Embed) {
	t := floating(p.Out, "Out")
	out, table := elements(p.Out, t, p.N*p.C, "Out"), elements(p.Table, t, p.V*p.C, "Table")
	ids, add := elements(p.IDs, tensor.Int32, p.N, "IDs"), optional(p.Add, t, p.N*p.C, "Add")
	if p.N > 0 {
		b.dev.Launch(named(t, "embed_f32", "embed_bf16"), rowGrid(p.N), rowThreads, 0, address(out), address(table),
			address(ids), address(add),
			integer(p.N), integer(p.V), integer(p.C), vectors(p.C*t.Size(), out, table, add), address(b.fault))
	}
}

// EmbedBackward implements kernels.Embedding. It first links every token to the next one with the same id; then the
// first of each chain adds the whole chain.
func (b *Backend) EmbedBackward(p kernels.EmbedBackward) {
	t := floating(p.DOut, "DOut")
	dtable, dout := elements(p.DTable, tensor.Float32, p.V*p.C, "DTable"), elements(p.DOut, t, p.N*p.C, "DOut")
	ids := elements(p.IDs, tensor.Int32, p.N, "IDs")
	if p.N == 0 {
		return
	}
	next := b.scratchFor(int64(2 * 4 * p.N))
	later := next + gpu.Ptr(4*p.N)
	b.dev.Set(later, 0, 4*p.N)
	b.dev.Launch("embed_links", rowGrid(p.N), rowThreads, 0, address(next), address(later), address(ids), integer(p.N),
		integer(p.V), address(b.fault))
	b.dev.Launch(named(t, "embed_backward_f32", "embed_backward_bf16"), gpu.Dim{
		X: ceilDiv(p.N, rowsPerBlock),
		Y: ceilDiv(p.C, 32*packet(t)),
		Z: 1,
	},
		rowThreads, 0,
		address(dtable), address(dout), address(ids), address(next), address(later), integer(p.N), integer(p.C),
		vectors(p.C*t.Size(), dout))
}

// PutRows implements kernels.Embedding.
func (b *Backend) PutRows(p kernels.PutRows) {
	t, rows := floating(p.Dst.Buf, "Dst"), wholeRows(p.Dst, p.C)
	dst, src := strided(p.Dst, t, rows, p.C, "Dst"), strided(p.Src, t, p.N, p.C, "Src")
	at := elements(p.At, tensor.Int32, p.N, "At")
	if p.N > 0 {
		b.dev.Launch(named(t, "put_rows_f32", "put_rows_bf16"), rowGrid(p.N), rowThreads, 0, address(dst.at),
			address(src.at), address(at),
			integer(p.N), integer(p.C), integer(dst.stride), integer(src.stride), integer(rows), movable(t, dst, src),
			address(b.fault))
	}
}

// GetRows implements kernels.Embedding.
func (b *Backend) GetRows(p kernels.GetRows) {
	t, rows := floating(p.Dst.Buf, "Dst"), wholeRows(p.Src, p.C)
	dst, src := strided(p.Dst, t, p.N, p.C, "Dst"), strided(p.Src, t, rows, p.C, "Src")
	at := elements(p.At, tensor.Int32, p.N, "At")
	if p.N > 0 {
		b.dev.Launch(named(t, "get_rows_f32", "get_rows_bf16"), rowGrid(p.N), rowThreads, 0, address(dst.at),
			address(src.at), address(at),
			integer(p.N), integer(p.C), integer(dst.stride), integer(src.stride), integer(rows), movable(t, dst, src),
			address(b.fault))
	}
}

// movable is vectors for rows of two matrices.
func movable(t tensor.DType, x, y matrix) uint64 {
	if y.stride*t.Size()%vector != 0 {
		return 0
	}
	return vectors(x.stride*t.Size(), x.at, y.at)
}
