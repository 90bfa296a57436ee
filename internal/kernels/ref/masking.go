package ref

import (
	"encoding/binary"
	"hash/fnv"

	"dmtrain/internal/kernels"
	"dmtrain/internal/rng"
	"dmtrain/internal/tensor"
)

// Bernoulli implements kernels.Masking.
func (r *Backend) Bernoulli(p kernels.Bernoulli) {
	n := p.B * p.T
	hidden, d := bytes(p.Hidden, n, "Hidden"), drawOf(p.Draw)
	rate := view[float32](typed(p.Rate, tensor.Float32, n, "Rate"))
	for b := range p.B {
		for t := range p.T {
			hidden[b*p.T+t] = 0
			if d.unit(rng.Hide, d.first+uint32(b), t) < rate[b*p.T+t] {
				hidden[b*p.T+t] = 1
			}
		}
	}
}

// MaskedFill implements kernels.Masking.
func (r *Backend) MaskedFill(p kernels.MaskedFill) {
	y, hidden := widen(p.X, p.Rows*p.Cols, "X"), bytes(p.Hidden, p.Rows, "Hidden")
	value := make([]float64, p.Cols)
	if p.Value != nil {
		value = widen(p.Value, p.Cols, "Value")
	}
	for n, h := range hidden {
		if h != 0 {
			copy(y[n*p.Cols:], value)
		}
	}
	round(p.Y, y, "Y")
}

// MaskedFillBackward implements kernels.Masking.
func (r *Backend) MaskedFillBackward(p kernels.MaskedFillBackward) {
	dx, hidden := widen(p.DY, p.Rows*p.Cols, "DY"), bytes(p.Hidden, p.Rows, "Hidden")
	dvalue := make([]float64, p.Cols)
	if p.DValue != nil {
		dvalue = widen(p.DValue, p.Cols, "DValue")
	}
	for n, h := range hidden {
		if h != 0 {
			row := dx[n*p.Cols:][:p.Cols]
			addAll(dvalue, row)
			clear(row)
		}
	}
	round(p.DX, dx, "DX")
	if p.DValue != nil {
		round(p.DValue, dvalue, "DValue")
	}
}

// MaskTablesLen implements kernels.Masking: there are no tiles, but a stamp.
func (r *Backend) MaskTablesLen(b, t, s int) int { return 1 }

// PrepareMask implements kernels.Masking.
func (r *Backend) PrepareMask(m kernels.Mask) {
	int32s(m.Tables, 1, "Tables")[0] = newMask(m).stamp()
}

// mask is a kernels.Mask, unpacked.
type mask struct {
	t, s        int
	pos, lo, hi []int32
	tag, a, b   []int32
}

func newMask(m kernels.Mask) mask {
	keys, queries := m.Batch*m.S, m.Batch*m.T
	v := mask{
		t:   m.T,
		s:   m.S,
		pos: int32s(m.Pos, keys, "Pos"),
		lo:  int32s(m.Lo, queries, "Lo"),
		hi:  int32s(m.Hi, queries, "Hi"),
	}
	if m.Tag != nil || m.A != nil || m.B != nil {
		v.tag, v.a, v.b = int32s(m.Tag, queries, "Tag"), int32s(m.A, keys, "mask's A"), int32s(m.B, keys, "mask's B")
	}
	return v
}

// preparedMask is newMask, for a mask whose vectors are as PrepareMask saw them.
func preparedMask(m kernels.Mask) mask {
	v := newMask(m)
	if int32s(m.Tables, 1, "Tables")[0] != v.stamp() {
		panic("kernels: mask has changed since PrepareMask")
	}
	return v
}

// visible is the definition.
func (m mask) visible(row, i, j int) bool {
	q, k := row*m.t+i, row*m.s+j
	if m.lo[q] > m.pos[k] || m.pos[k] > m.hi[q] {
		return false
	}
	return m.tag == nil || (m.a[k] <= m.tag[q] && m.tag[q] <= m.b[k])
}

func (m mask) stamp() int32 {
	h := fnv.New32a()
	for _, v := range [][]int32{{int32(m.t), int32(m.s)}, m.pos, m.lo, m.hi, m.tag, m.a, m.b} {
		if err := binary.Write(h, binary.LittleEndian, v); err != nil {
			panic("kernels: hash refused a write")
		}
	}
	return int32(h.Sum32())
}
