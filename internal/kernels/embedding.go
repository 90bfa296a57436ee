package kernels

// Embedding gathers rows of a table, and scatters their gradients back.
type Embedding interface {
	// Embed sets Out[n] = Table[IDs[n]] + Add[n]. An id outside 0 … V−1 is a fault.
	Embed(Embed)
	// EmbedBackward adds DOut[n] to DTable[IDs[n]] for n in ascending order, without atomics.
	EmbedBackward(EmbedBackward)
	// PutRows copies row n of Src to row At[n] of Dst; a negative At[n] skips the row. It fills key–value caches.
	PutRows(PutRows)
	// GetRows copies row At[n] of Src to row n of Dst; a negative At[n] gives zeros.
	GetRows(GetRows)
}

// Embed gathers N rows of width C from a (V, C) table.
type Embed struct {
	Out, Table Buffer
	IDs        Buffer // int32 (N)
	Add        Buffer // (N, C), optional: added; may be Out itself
	N, V, C    int
}

// EmbedBackward is Embed's gradient with respect to its table.
type EmbedBackward struct {
	DTable, DOut Buffer
	IDs          Buffer // int32 (N)
	N, V, C      int
}

// PutRows scatters N rows of width C; indices are distinct.
type PutRows struct {
	Dst, Src Strided
	At       Buffer // int32 (N): row of Dst
	N, C     int
}

// GetRows gathers N rows of width C.
type GetRows struct {
	Dst, Src Strided
	At       Buffer // int32 (N): row of Src
	N, C     int
}
