// Package batch holds rows of tokens: data fills them, masks are planned for them, models read them and decoders
// extend them.
//
// # Vocabulary
//
//   - stream: one sequence of tokens a row. Every batch has one that is predicted; models with an encoder read others,
//     the sources.
//   - document: consecutive tokens of a row that see nothing of the rest of the row.
//   - padding: positions of a row without a token.
package batch

// Batch is B rows of a step or of an evaluation. The embedded stream is the predicted one.
type Batch struct {
	First int // index of row 0 within the step
	B     int
	Stream
	Sources []Stream // read by the predicted stream besides itself
}

// Stream is B rows of T tokens. All slices are (B, T), row-major.
type Stream struct {
	T     int
	IDs   []int32
	Next  []int32 // the following token of the document; −1 at its end and on padding
	Start []int32 // index in the row of the document's first token; −1 on padding
	End   []int32 // index past the document's last token in the row; −1 on padding
}

// New allocates b rows of t tokens, with sources of the given lengths.
func New(b, t int, sources ...int) *Batch {
	r := &Batch{B: b, Stream: newStream(b, t)}
	for _, s := range sources {
		r.Sources = append(r.Sources, newStream(b, s))
	}
	return r
}

func newStream(b, t int) Stream {
	n := b * t
	return Stream{
		T:     t,
		IDs:   make([]int32, n),
		Next:  make([]int32, n),
		Start: make([]int32, n),
		End:   make([]int32, n),
	}
}

// Document fills a row with one document and padding. It cuts off what is longer than the row.
func (s *Stream) Document(row int, ids []int32) {
	from, end := row*s.T, int32(min(len(ids), s.T))
	for t := range s.T {
		n := from + t
		s.IDs[n], s.Next[n], s.Start[n], s.End[n] = 0, -1, -1, -1
		if t < len(ids) {
			s.IDs[n], s.Start[n], s.End[n] = ids[t], 0, end
		}
		if t+1 < len(ids) {
			s.Next[n] = ids[t+1]
		}
	}
}

// Len is the number of tokens in a row that holds one document.
func (s *Stream) Len(row int) int {
	if s.T == 0 {
		return 0
	}
	return max(0, int(s.End[row*s.T]))
}

// CopyFrom copies the rows of a batch of the same shape.
func (b *Batch) CopyFrom(src *Batch) {
	b.First = src.First
	b.copyFrom(&src.Stream)
	for i := range b.Sources {
		b.Sources[i].copyFrom(&src.Sources[i])
	}
}

func (s *Stream) copyFrom(src *Stream) {
	copy(s.IDs, src.IDs)
	copy(s.Next, src.Next)
	copy(s.Start, src.Start)
	copy(s.End, src.End)
}

// RepeatEnd inserts copies of a document's last token, at position t of a row of the predicted stream, after it. What
// follows moves right, and out of the row.
func (b *Batch) RepeatEnd(row, t, copies int) {
	from, to := row*b.T, (row+1)*b.T
	at, end := from+t, int32(t+1+copies)
	for _, v := range [][]int32{b.IDs, b.Next, b.Start, b.End} {
		copy(v[at+1+copies:to], v[at+1:to])
	}
	for n := at + 1 + copies; n < to; n++ {
		if b.Start[n] >= 0 {
			b.Start[n], b.End[n] = b.Start[n]+int32(copies), min(b.End[n]+int32(copies), int32(b.T))
		}
	}
	start := b.Start[at]
	for n := at + 1; n <= at+copies; n++ {
		b.IDs[n], b.Next[n], b.Start[n] = b.IDs[at], -1, start
	}
	for n := from + int(start); n <= at+copies; n++ {
		b.End[n] = end
	}
}
