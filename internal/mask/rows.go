package mask

// Rows is a batch of text as the loader lays it out: what a planner may know of it. All slices are
// (B, T), row-major.
type Rows struct {
	First int // index of row 0 within the step, whatever the micro-batch
	B, T  int
	IDs   []int32
	Next  []int32 // the token after, in the same document; −1 at a document's end and on padding
	Start []int32 // index in the row of the document's first token; −1 on padding
	End   []int32 // index past the document's last token in the row; −1 on padding
}

// NewRows makes room for b rows of t tokens.
func NewRows(b, t int) *Rows {
	n := b * t
	return &Rows{B: b, T: t, IDs: make([]int32, n), Next: make([]int32, n), Start: make([]int32, n), End: make([]int32, n)}
}
