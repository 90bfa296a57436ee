package bench

import (
	"dmtrain/internal/kernels"
	"dmtrain/internal/rng"
	"dmtrain/internal/tensor"
)

// memory is what a measurement allocates. The first failure stays in err; after it everything is nil.
type memory struct {
	be   kernels.Backend
	all  []kernels.Buffer
	err  error
	full bool // err says that there is no room
}

func (m *memory) alloc(t tensor.DType, n int) kernels.Buffer {
	if m.err != nil {
		return nil
	}
	b, err := m.be.Alloc(t, n)
	if err != nil {
		m.err, m.full = err, true
		return nil
	}
	m.all = append(m.all, b)
	return b
}

func (m *memory) ints(v []int32) kernels.Buffer {
	b := m.alloc(tensor.Int32, len(v))
	if b != nil {
		m.be.Upload(b, v)
	}
	return b
}

// drawnRows is how many rows of a random matrix are drawn; the others repeat them, in random order.
const drawnRows = 64

// normal is a matrix of standard normal numbers. Streams differ.
func (m *memory) normal(t tensor.DType, rows, cols int, stream uint32) kernels.Buffer {
	table, at := make([]float32, drawnRows*cols), make([]int32, rows)
	for i := range table {
		table[i] = float32(rng.Normal(1, rng.Probe, 0, stream, uint32(i)))
	}
	for r := range at {
		at[r] = int32(rng.Below(1, rng.Probe, 1, stream, uint32(r), drawnRows))
	}
	scratch := memory{be: m.be, err: m.err}
	defer scratch.free()
	from, ids, out := scratch.alloc(t, len(table)), scratch.ints(at), m.alloc(t, rows*cols)
	if m.err == nil {
		m.err, m.full = scratch.err, scratch.full
	}
	if m.err != nil {
		return nil
	}
	m.be.Upload(from, table)
	m.be.Embed(kernels.Embed{Out: out, Table: from, IDs: ids, N: rows, V: drawnRows, C: cols})
	m.err = m.be.Sync()
	return out
}

func (m *memory) free() {
	for _, b := range m.all {
		m.be.Free(b)
	}
}
