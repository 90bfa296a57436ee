package batch_test

import (
	"slices"
	"testing"

	"dmtrain/internal/batch"
)

func TestDocument(t *testing.T) {
	b := batch.New(3, 4, 2)
	b.Document(0, []int32{7, 8, 9})
	b.Document(1, nil)
	b.Document(2, []int32{1, 2, 3, 4, 5})
	for _, c := range []struct {
		name      string
		got, want []int32
	}{
		{"ids", b.IDs, []int32{7, 8, 9, 0, 0, 0, 0, 0, 1, 2, 3, 4}},
		{"next", b.Next, []int32{8, 9, -1, -1, -1, -1, -1, -1, 2, 3, 4, 5}},
		{"start", b.Start, []int32{0, 0, 0, -1, -1, -1, -1, -1, 0, 0, 0, 0}},
		{"end", b.End, []int32{3, 3, 3, -1, -1, -1, -1, -1, 4, 4, 4, 4}},
	} {
		if !slices.Equal(c.got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, c.got, c.want)
		}
	}
	if got := []int{b.Len(0), b.Len(1), b.Len(2)}; !slices.Equal(got, []int{3, 0, 4}) {
		t.Errorf("lengths %v", got)
	}
	b.Document(0, []int32{5}) // replaces the older document
	if !slices.Equal(b.IDs[:4], []int32{5, 0, 0, 0}) || !slices.Equal(b.End[:4], []int32{1, -1, -1, -1}) {
		t.Errorf("a row filled again: %v, %v", b.IDs[:4], b.End[:4])
	}
}

// Copies of a document's last token move what follows to the right, and out of the row.
func TestRepeatEnd(t *testing.T) {
	b := &batch.Batch{B: 1, Stream: batch.Stream{
		T:     6,
		IDs:   []int32{1, 9, 2, 3, 4, 9},
		Next:  []int32{9, -1, 3, 4, 9, -1},
		Start: []int32{0, 0, 2, 2, 2, 2},
		End:   []int32{2, 2, 6, 6, 6, 6},
	}}
	b.RepeatEnd(0, 1, 2)
	for _, c := range []struct {
		name      string
		got, want []int32
	}{
		{"ids", b.IDs, []int32{1, 9, 9, 9, 2, 3}},
		{"next", b.Next, []int32{9, -1, -1, -1, 3, 4}},
		{"start", b.Start, []int32{0, 0, 0, 0, 4, 4}},
		{"end", b.End, []int32{4, 4, 4, 4, 6, 6}},
	} {
		if !slices.Equal(c.got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, c.got, c.want)
		}
	}
}

func TestCopyFrom(t *testing.T) {
	src, dst := batch.New(2, 3, 2), batch.New(2, 3, 2)
	src.First = 4
	src.Document(1, []int32{1, 2})
	src.Sources[0].Document(0, []int32{3})
	dst.CopyFrom(src)
	src.Document(1, nil)
	if dst.First != 4 || dst.Len(1) != 2 || dst.Sources[0].IDs[0] != 3 {
		t.Errorf("%+v", dst)
	}
}
