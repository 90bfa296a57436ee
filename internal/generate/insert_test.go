package generate

import (
	"cmp"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// Whatever comes in whatever order, insert keeps what a stable sort of everything would put first.
func TestInsertKeepsTheBest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		room := rapid.IntRange(1, 8).Draw(t, "room")
		sums := rapid.SliceOf(rapid.IntRange(-5, 5)).Draw(t, "sums") // few values: many are equal
		best := make([]candidate, 0, room)
		var all []candidate
		for i, sum := range sums {
			c := candidate{id: int32(i), sum: float64(sum)}
			best, all = insert(best, c), append(all, c)
		}
		slices.SortStableFunc(all, func(a, b candidate) int { return cmp.Compare(b.sum, a.sum) })
		if want := all[:min(room, len(all))]; !slices.Equal(best, want) {
			t.Errorf("kept %v, want %v", best, want)
		}
	})
}
