package kernelstest

import (
	"math"

	"dmtrain/internal/kernels"
	"dmtrain/internal/tensor"
)

const inf = math.MaxInt32

// hostMask is a mask's vectors as slices.
type hostMask struct {
	batch, t, s int
	pos, lo, hi []int32
	tag, a, b   []int32 // nil without a second interval
}

// newMask is the full mask: every query sees every key.
func newMask(batch, t, s int) *hostMask {
	return &hostMask{
		batch: batch,
		t:     t,
		s:     s,
		pos:   make([]int32, batch*s),
		lo:    make([]int32, batch*t),
		hi:    make([]int32, batch*t),
	}
}

// second adds a second interval that hides nothing.
func (m *hostMask) second() {
	m.tag, m.a, m.b = make([]int32, len(m.lo)), make([]int32, len(m.pos)), make([]int32, len(m.pos))
}

// visible is the definition.
func (m *hostMask) visible(row, i, j int) bool {
	q, k := row*m.t+i, row*m.s+j
	if m.lo[q] > m.pos[k] || m.pos[k] > m.hi[q] {
		return false
	}
	return m.tag == nil || (m.a[k] <= m.tag[q] && m.tag[q] <= m.b[k])
}

// blind reports whether a query sees no key.
func (m *hostMask) blind(row, i int) bool {
	for j := range m.s {
		if m.visible(row, i, j) {
			return false
		}
	}
	return true
}

// unseen reports whether no query sees a key.
func (m *hostMask) unseen(row, j int) bool {
	for i := range m.t {
		if m.visible(row, i, j) {
			return false
		}
	}
	return true
}

// byQuery and byKey visit every query and every key of every row.
func (m *hostMask) byQuery(set func(q, i int)) *hostMask {
	for q := range m.lo {
		set(q, q%m.t)
	}
	return m
}

func (m *hostMask) byKey(set func(k, j int)) *hostMask {
	for k := range m.pos {
		set(k, k%m.s)
	}
	return m
}

// maskFamily makes a mask of some kind for any shape; numbers it needs come from the trial.
type maskFamily struct {
	name string
	make func(t *trial, m *hostMask)
}

func causal(_ *trial, m *hostMask) {
	m.byKey(func(k, j int) { m.pos[k] = int32(j) })
	m.byQuery(func(q, i int) { m.hi[q] = int32(i) })
}

// maskFamilies are the forms that strategies make, and random ones that none would.
func maskFamilies() []maskFamily {
	return []maskFamily{
		{"full", func(*trial, *hostMask) {}},
		{"causal", causal},
		{"window", func(t *trial, m *hostMask) {
			causal(t, m)
			m.byQuery(func(q, i int) { m.lo[q] = int32(max(0, i-4)) })
		}},
		{"prefix", func(t *trial, m *hostMask) {
			causal(t, m)
			m.byKey(func(k, j int) {
				if j < 9 {
					m.pos[k] = 0
				}
			})
			m.byQuery(func(q, i int) {
				if i < 9 {
					m.hi[q] = 0
				}
			})
		}},
		{"padding", func(t *trial, m *hostMask) {
			causal(t, m)
			m.byKey(func(k, j int) {
				if j >= m.s-m.s/3 {
					m.pos[k] = inf
				}
			})
			m.byQuery(func(q, i int) {
				if i >= m.t-m.t/3 {
					m.hi[q] = -1
				}
			})
		}},
		{"packed", func(t *trial, m *hostMask) {
			causal(t, m)
			m.byQuery(func(q, i int) { m.lo[q] = int32(i - i%(11+q/m.t)) })
		}},
		{"slots", func(t *trial, m *hostMask) {
			causal(t, m)
			hidden, ahead := t.coin(len(m.pos), 0.3), t.below(len(m.hi), 9)
			m.byKey(func(k, j int) {
				if hidden[k] != 0 {
					m.pos[k] = inf
				}
			})
			m.byQuery(func(q, i int) {
				if k := q/m.t*m.s + min(i, m.s-1); hidden[k] != 0 {
					m.hi[q] += ahead[q]
				}
			})
		}},
		{"sinks", func(t *trial, m *hostMask) {
			causal(t, m)
			m.second()
			m.byKey(func(k, j int) {
				m.a[k], m.b[k] = int32(j), int32(j+5)
				if j < 3 {
					m.b[k] = inf
				}
			})
			m.byQuery(func(q, i int) { m.tag[q] = int32(i) })
		}},
		{"block diffusion", func(_ *trial, m *hostMask) {
			m.second()
			noisy, block := m.s/2, func(at, half int) int32 { return int32(at % max(half, 1) / 4) }
			m.byKey(func(k, j int) {
				m.a[k], m.b[k] = 2*block(j, noisy), 2*block(j, noisy)
				if j >= noisy {
					m.a[k], m.b[k] = m.a[k]+1, inf
				}
			})
			m.byQuery(func(q, i int) {
				m.tag[q] = 2 * block(i, m.t/2)
				if i >= m.t/2 {
					m.tag[q]++
				}
			})
		}},
		{"nothing", func(_ *trial, m *hostMask) { m.byQuery(func(q, i int) { m.hi[q] = -1 }) }},
		{"one row blind", func(t *trial, m *hostMask) {
			causal(t, m)
			m.byQuery(func(q, i int) {
				if q/m.t == m.batch-1 {
					m.lo[q] = inf
				}
			})
		}},
		{"extreme levels", func(t *trial, m *hostMask) {
			level := func(v int32) int32 { return []int32{math.MinInt32, -1, 0, 1, inf - 1, inf}[v] }
			pos, lo, hi := t.below(len(m.pos), 6), t.below(len(m.lo), 6), t.below(len(m.hi), 6)
			m.byKey(func(k, j int) { m.pos[k] = level(pos[k]) })
			m.byQuery(func(q, i int) { m.lo[q], m.hi[q] = level(lo[q]), level(hi[q]) })
		}},
		{"random", func(t *trial, m *hostMask) { randomMask(t, m, 12) }},
		{"random with second interval", func(t *trial, m *hostMask) {
			randomMask(t, m, 12)
			m.second()
			tag, a, b := t.below(len(m.tag), 9), t.below(len(m.a), 9), t.below(len(m.b), 9)
			m.byQuery(func(q, i int) { m.tag[q] = tag[q] })
			m.byKey(func(k, j int) { m.a[k], m.b[k] = a[k]-3, b[k]+2 })
		}},
	}
}

// randomMask draws intervals and levels from a few numbers, so that all relations between them occur.
func randomMask(t *trial, m *hostMask, levels int) {
	m.pos = t.below(len(m.pos), levels)
	m.lo = t.below(len(m.lo), levels)
	width := t.below(len(m.lo), levels)
	m.byQuery(func(q, i int) { m.hi[q] = m.lo[q] + width[q] - 2 })
}

// maskOperands is a mask in the trial's arena.
type maskOperands struct {
	host        *hostMask
	pos, lo, hi *operand
	tag, a, b   *operand
}

func (t *trial) mask(m *hostMask) *maskOperands {
	ops := &maskOperands{
		host: m,
		pos:  t.in("Pos", tensor.Int32, m.pos),
		lo:   t.in("Lo", tensor.Int32, m.lo),
		hi:   t.in("Hi", tensor.Int32, m.hi),
	}
	if m.tag != nil {
		ops.tag, ops.a, ops.b = t.in("Tag", tensor.Int32, m.tag), t.in("A", tensor.Int32, m.a),
			t.in("B", tensor.Int32, m.b)
	}
	return ops
}

// mask prepares a mask on the backend. Its tables start as rubbish, and are as long as the backend wants.
func (b *bound) mask(ops *maskOperands) kernels.Mask {
	b.t.Helper()
	h := ops.host
	m := kernels.Mask{
		Batch:  h.batch,
		T:      h.t,
		S:      h.s,
		Pos:    b.buf(ops.pos),
		Lo:     b.buf(ops.lo),
		Hi:     b.buf(ops.hi),
		Tag:    b.buf(ops.tag),
		A:      b.buf(ops.a),
		B:      b.buf(ops.b),
		Tables: alloc(b.t, b.k, tensor.Int32, b.k.MaskTablesLen(h.batch, h.t, h.s)),
	}
	b.tables = append(b.tables, m.Tables)
	b.k.Upload(m.Tables, rubbish(m.Tables.Len()))
	b.k.PrepareMask(m)
	return m
}

// rubbish is n integers that no table should hold.
func rubbish(n int) []int32 {
	x := make([]int32, n)
	for i := range x {
		x[i] = int32(uint32(i)*0x61c88647) ^ 0x55555555
	}
	return x
}
