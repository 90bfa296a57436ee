package mask

import "math"

// Inf as a key's level hides it from every query with a finite bound.
const Inf = math.MaxInt32

// Mask says which keys each query of B rows sees, in three integers a query:
//
//	visible(i, j)  ⇔  Lo[i] ≤ Pos[j] ≤ Hi[i]  ∧  (A[j] ≤ Tag[i] ≤ B[j], where Tag is not nil)
//
// All vectors are (B, T), row-major. Self-attention has as many keys as queries.
type Mask struct {
	Rows, T     int
	Pos, Lo, Hi []int32
	Tag, A, B   []int32 // second interval; all nil when absent
}

// Visible is the oracle: the definition, and nothing else.
func (m *Mask) Visible(row, i, j int) bool {
	q, k := row*m.T+i, row*m.T+j
	if m.Lo[q] > m.Pos[k] || m.Pos[k] > m.Hi[q] {
		return false
	}
	return m.Tag == nil || (m.A[k] <= m.Tag[q] && m.Tag[q] <= m.B[k])
}
