package mask

import "math"

// Inf as a key's level hides it from every query with a finite bound.
const Inf = math.MaxInt32

// Mask says which of S keys each of T queries sees, in B rows, by three integers a query:
//
//	visible(i, j)  ⇔  Lo[i] ≤ Pos[j] ≤ Hi[i]  ∧  (A[j] ≤ Tag[i] ≤ B[j], where Tag is not nil)
//
// Lo, Hi and Tag are (B, T), Pos, A and B are (B, S), row-major. In self-attention S is T.
type Mask struct {
	Rows, T, S  int
	Pos, Lo, Hi []int32
	Tag, A, B   []int32 // second interval; all nil when absent
}

// NewMask makes room for rows of t queries and s keys, with one interval.
func NewMask(rows, t, s int) (m Mask) {
	m.reset(rows, t, s, false)
	return m
}

// reset gives m a shape. It allocates only to grow.
func (m *Mask) reset(rows, t, s int, tagged bool) {
	m.Rows, m.T, m.S = rows, t, s
	m.Pos, m.Lo, m.Hi = grow(m.Pos, rows*s), grow(m.Lo, rows*t), grow(m.Hi, rows*t)
	if tagged {
		m.Tag, m.A, m.B = grow(m.Tag, rows*t), grow(m.A, rows*s), grow(m.B, rows*s)
	} else {
		m.Tag, m.A, m.B = nil, nil, nil
	}
}

// Visible is the oracle: the definition, and nothing else.
func (m *Mask) Visible(row, i, j int) bool {
	q, k := row*m.T+i, row*m.S+j
	if m.Lo[q] > m.Pos[k] || m.Pos[k] > m.Hi[q] {
		return false
	}
	return m.Tag == nil || (m.A[k] <= m.Tag[q] && m.Tag[q] <= m.B[k])
}
