package mask

import (
	"testing"

	"pgregory.net/rapid"
)

// genMask draws a planner's plan, or a mask of any integers at all.
func genMask(t *rapid.T) *Mask {
	if rapid.Bool().Draw(t, "planned") {
		rows := genRows(t, 2, 40)
		p, s := genPlanner(t, genConfig(t), 40)
		var plan Plan
		p.Plan(&plan, rows, 1, s)
		return &plan.Mask
	}
	return &randomPlan(rapid.Uint64().Draw(t, "seed"), 0).Mask
}

func TestTilesAgreeWithTheOracle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := genMask(t)
		if rapid.Bool().Draw(t, "unbounded") {
			m.Hi[rapid.IntRange(0, len(m.Hi)-1).Draw(t, "query")] = Inf
		}
		tileQ, tileS := rapid.IntRange(1, 9).Draw(t, "tileQ"), rapid.IntRange(1, 9).Draw(t, "tileS")
		var tiles Tiles
		for row := range m.Rows {
			tiles.Set(m, row, tileQ, tileS)
			for i := range m.T {
				for j := range m.T {
					visible := m.Visible(row, i, j)
					if c := tiles.At(i/tileQ, j/tileS); c == Unseen && visible || c == Seen && !visible {
						t.Fatalf("row %d: pair %d, %d is visible: %v, its tile says %d", row, i, j, visible, c)
					}
				}
			}
		}
	})
}

func TestCountIsExact(t *testing.T) {
	var c counter
	rapid.Check(t, func(t *rapid.T) {
		m := genMask(t)
		for row := range m.Rows {
			visible, ahead := 0, 0
			for i := range m.T {
				for j := range m.T {
					visible += boolInt(m.Visible(row, i, j))
					ahead += boolInt(m.Visible(row, i, j) && j > i)
				}
			}
			if v, a := c.count(m, row); v != visible || a != ahead {
				t.Fatalf("counted %d visible, %d ahead; there are %d and %d", v, a, visible, ahead)
			}
		}
	})
}

// A window keeps attention's work proportional to it, slots or not, tags or not.
func TestWindowsSkipTiles(t *testing.T) {
	const length, window, tile = 1024, 64, 64
	rows := oneDocument(length)
	for _, structure := range []string{StructureWindow, StructureSinks} {
		for _, form := range []string{FormNone, FormInfill} {
			c := DefaultConfig()
			c.Structure, c.Window, c.Form, c.MaxWindow, c.Anchors = structure, window, form, 16, 0
			p, err := NewPlanner(c, 1, Run{SeqLen: length, Vocab: genVocab})
			if err != nil {
				t.Fatal(err)
			}
			var plan Plan
			p.Plan(&plan, rows, 0, State{Buckets: []Bucket{{Openness: 1}}})
			var tiles Tiles
			tiles.Set(&plan.Mask, 0, tile, tile)
			computed, total := tiles.Computed()
			// Each of 16 query tiles meets its own key tile, the one before, one after for slots, and the sinks'.
			if most := 16 * 4; total != 256 || computed > most {
				t.Errorf("%s, %s: %d tiles of %d computed, at most %d are visible", structure, form, computed,
					total, most)
			}
		}
	}
}
