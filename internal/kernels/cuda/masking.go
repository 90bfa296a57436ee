package cuda

import (
	"dmtrain/internal/gpu"
	"dmtrain/internal/kernels"
	"dmtrain/internal/rng"
	"dmtrain/internal/tensor"
)

// tableEntry is how much is kept of a tile (TABLE_ENTRY in mask.cuh).
const tableEntry = 7

// Bernoulli implements kernels.Masking.
func (b *Backend) Bernoulli(p kernels.Bernoulli) {
	n := p.B * p.T
	hidden, rate := elements(p.Hidden, tensor.Uint8, n, "Hidden"), elements(p.Rate, tensor.Float32, n, "Rate")
	draw := draws(p.Draw)
	if n > 0 {
		b.dev.Launch("bernoulli", along(ceilDiv(p.B*ceilDiv(p.T, 4), rowThreads)), rowThreads, 0,
			address(hidden), address(rate), address(draw), uint64(rng.Hide), integer(p.B), integer(p.T))
	}
}

// MaskedFill implements kernels.Masking.
func (b *Backend) MaskedFill(p kernels.MaskedFill) {
	t := floating(p.Y, "Y")
	y, x := elements(p.Y, t, p.Rows*p.Cols, "Y"), elements(p.X, t, p.Rows*p.Cols, "X")
	hidden, value := elements(p.Hidden, tensor.Uint8, p.Rows, "Hidden"), optional(p.Value, t, p.Cols, "Value")
	b.maskedFill(t, y, x, hidden, value, p.Rows, p.Cols)
}

// MaskedFillBackward implements kernels.Masking: the gradient of what is filled is filled with 0 itself.
func (b *Backend) MaskedFillBackward(p kernels.MaskedFillBackward) {
	t := floating(p.DX, "DX")
	dx, dy := elements(p.DX, t, p.Rows*p.Cols, "DX"), elements(p.DY, t, p.Rows*p.Cols, "DY")
	hidden, dvalue := elements(p.Hidden, tensor.Uint8, p.Rows, "Hidden"),
		optional(p.DValue, tensor.Float32, p.Cols, "DValue")
	if dvalue != 0 && p.Rows > 0 && p.Cols > 0 {
		sums := b.columnSums(p.Rows, p.Cols, 1)
		b.dev.Launch(named(t, "masked_fill_value_f32", "masked_fill_value_bf16"), sums.grid(), columnThreads, 0,
			address(sums.partial), address(dy), address(hidden), integer(p.Rows), integer(p.Cols))
		sums.addTo(dvalue, 0)
	}
	b.maskedFill(t, dx, dy, hidden, 0, p.Rows, p.Cols)
}

func (b *Backend) maskedFill(t tensor.DType, y, x, hidden, value gpu.Ptr, rows, cols int) {
	if rows > 0 && cols > 0 {
		b.dev.Launch(named(t, "masked_fill_f32", "masked_fill_bf16"), rowGrid(rows), rowThreads, 0,
			address(y), address(x), address(hidden), address(value), integer(rows), integer(cols),
			vectors(cols*t.Size(), y, x, value))
	}
}

// MaskTablesLen implements kernels.Masking.
func (b *Backend) MaskTablesLen(batch, t, s int) int {
	return batch * (ceilDiv(t, tile) + ceilDiv(s, tile)) * tableEntry
}

// PrepareMask implements kernels.Masking.
func (b *Backend) PrepareMask(m kernels.Mask) {
	v := b.mask(m)
	if w := m.Batch * (ceilDiv(m.T, tile) + ceilDiv(m.S, tile)); w > 0 {
		b.dev.Launch("prepare_mask", rowGrid(w), rowThreads, 0, address(v.tables), address(v.pos), address(v.lo),
			address(v.hi),
			address(v.tag), address(v.a), address(v.b), integer(m.Batch), integer(m.T), integer(m.S))
	}
}

// mask is a kernels.Mask on the device; tag, a and b are 0 without a second interval.
type mask struct {
	pos, lo, hi, tag, a, b, tables gpu.Ptr
}

func (b *Backend) mask(m kernels.Mask) mask {
	keys, queries := m.Batch*m.S, m.Batch*m.T
	v := mask{
		pos:    elements(m.Pos, tensor.Int32, keys, "Pos"),
		lo:     elements(m.Lo, tensor.Int32, queries, "Lo"),
		hi:     elements(m.Hi, tensor.Int32, queries, "Hi"),
		tables: elements(m.Tables, tensor.Int32, b.MaskTablesLen(m.Batch, m.T, m.S), "Tables"),
	}
	if m.Tag != nil || m.A != nil || m.B != nil {
		v.tag, v.a, v.b = elements(m.Tag, tensor.Int32, queries, "Tag"), elements(m.A, tensor.Int32, keys, "mask's A"),
			elements(m.B, tensor.Int32, keys, "mask's B")
	}
	return v
}
