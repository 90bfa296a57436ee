package kernels

// Masking draws hidden tokens, fills them, and prepares masks for attention.
type Masking interface {
	// Bernoulli sets Hidden[b,t] = 1 where Unit(draw) < Rate[b,t] and 0 elsewhere; the draw has purpose rng.Hide,
	// line first+b and column t.
	Bernoulli(Bernoulli)
	// MaskedFill sets Y[n] = Value where Hidden[n] is not 0, and X[n] elsewhere. Y may be X.
	MaskedFill(MaskedFill)
	// MaskedFillBackward sets DX[n] = 0 where hidden and DY[n] elsewhere (DX may be DY), and adds the hidden rows
	// of DY to DValue in ascending order.
	MaskedFillBackward(MaskedFillBackward)
	// MaskTablesLen is how many int32 PrepareMask needs for a batch of B rows, T queries and S keys.
	MaskTablesLen(b, t, s int) int
	// PrepareMask fills m.Tables with the tile bounds that let Attention skip hidden tiles. It is called
	// whenever the vectors of m have changed.
	PrepareMask(m Mask)
}

// Mask says which keys a query sees:
//
//	visible(i, j)  ⇔  Lo[i] ≤ Pos[j] ≤ Hi[i]  ∧  (A[j] ≤ Tag[i] ≤ B[j], where given)
//
// Every vector is int32. Strategy lives in package mask; kernels see only these integers.
type Mask struct {
	Batch, T, S int
	Pos         Buffer // (Batch, S), by key
	Lo, Hi      Buffer // (Batch, T), by query
	Tag         Buffer // (Batch, T), by query; nil without a second interval, and then A and B are nil too
	A, B        Buffer // (Batch, S), by key
	Tables      Buffer // (MaskTablesLen), filled by PrepareMask
}

// Bernoulli draws which of (B, T) tokens are hidden.
type Bernoulli struct {
	Hidden Buffer // uint8 (B, T)
	Rate   Buffer // float32 (B, T), each in [0, 1]
	Draw   Draw
	B, T   int
}

// MaskedFill fills hidden rows of a (Rows, Cols) matrix.
type MaskedFill struct {
	Y, X       Buffer
	Hidden     Buffer // uint8 (Rows)
	Value      Buffer // (Cols); nil fills with 0
	Rows, Cols int
}

// MaskedFillBackward is MaskedFill's gradient.
type MaskedFillBackward struct {
	DX, DY     Buffer
	Hidden     Buffer // uint8 (Rows)
	DValue     Buffer // (Cols), accumulated; nil without a learned value
	Rows, Cols int
}
