//go:build cuda || cudaemu

package cuda_test

import (
	"math"
	"slices"
	"testing"

	"dmtrain/internal/kernels"
	"dmtrain/internal/tensor"
)

// Slots and padding do not widen a tile of keys, or a window would hide nothing before it.
func TestClosedKeysWidenNoTile(t *testing.T) {
	b, err := open()
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	const n, tile = 128, 64
	ints := func(f func(i int) int32) kernels.Buffer {
		v := make([]int32, n)
		for i := range v {
			v[i] = f(i)
		}
		buf, err := b.Alloc(tensor.Int32, n)
		if err != nil {
			t.Fatal(err)
		}
		b.Upload(buf, v)
		return buf
	}
	m := kernels.Mask{
		Batch: 1,
		T:     n,
		S:     n,
		Lo:    ints(func(i int) int32 { return int32(max(0, i-9)) }),
		Hi:    ints(func(i int) int32 { return int32(i) }),
		Pos: ints(func(i int) int32 {
			if i == 7 || i == 63 {
				return math.MaxInt32
			}
			return int32(i)
		}),
	}
	if m.Tables, err = b.Alloc(tensor.Int32, b.MaskTablesLen(1, n, n)); err != nil {
		t.Fatal(err)
	}
	b.PrepareMask(m)
	tables := make([]int32, m.Tables.Len())
	if err := b.Download(tables, m.Tables); err != nil {
		t.Fatal(err)
	}
	entry := len(tables) / 4 // two tiles of queries, two of keys
	first, second := tables[2*entry:3*entry], tables[3*entry:]
	if want := []int32{0, 62}; !slices.Equal(first[:2], want) || first[entry-1] != 1 {
		t.Errorf("the first tile of keys, of which two are closed: %v", first)
	}
	if want := []int32{tile, n - 1}; !slices.Equal(second[:2], want) || second[entry-1] != 0 {
		t.Errorf("the second tile of keys: %v", second)
	}
}
