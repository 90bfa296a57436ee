package graph

import (
	"testing"

	"dmtrain/internal/tensor"
	"pgregory.net/rapid"
)

// Cells that live at the same time never share memory, and the arena is never larger than all of them laid end to end.
func TestPlaceKeepsLivingCellsApart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 40).Draw(t, "cells")
		type life struct{ first, last int }
		var cells []*cell
		var lives []life
		sum := 0
		for range n {
			first := rapid.IntRange(0, 30).Draw(t, "first")
			last := first + rapid.IntRange(0, 15).Draw(t, "length")
			c := &cell{dtype: tensor.Float32, elems: rapid.IntRange(1, 500).Draw(t, "elems"), first: first, last: last}
			cells, lives = append(cells, c), append(lives, life{first, last})
			sum += (c.bytes() + arenaAlign - 1) / arenaAlign * arenaAlign
		}
		size := place(cells)
		if size > sum {
			t.Fatalf("arena of %d bytes for cells of %d", size, sum)
		}
		for i, a := range cells {
			if a.last%arenaAlign != 0 || a.last+a.bytes() > size {
				t.Fatalf("cell at %d … %d in an arena of %d", a.last, a.last+a.bytes(), size)
			}
			for j, b := range cells[:i] {
				together := lives[i].first <= lives[j].last && lives[j].first <= lives[i].last
				if together && a.last < b.last+b.bytes() && b.last < a.last+a.bytes() {
					t.Fatalf("cells %d and %d live together and overlap", i, j)
				}
			}
		}
	})
}
