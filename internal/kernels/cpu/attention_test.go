package cpu

import (
	"math"
	"testing"

	"dmtrain/internal/kernels"
	"dmtrain/internal/tensor"
)

// Attention's scratch is a few tiles, however long the text: its memory is that of its operands, which is linear in T.
func TestAttentionScratchDoesNotGrowWithLength(t *testing.T) {
	scratch := func(length int) int {
		b := open(t, 2)
		c := newAttentionCase(t, b, 1, length, length)
		b.Attention(c.forward)
		b.AttentionBackward(c.backward)
		most := cap(b.buf)
		for _, w := range b.pool.workers {
			most = max(most, cap(w.buf))
		}
		return most
	}
	if short, long := scratch(64), scratch(1024); long > short {
		t.Errorf("%d floats of scratch at T = 64, %d at T = 1024", short, long)
	}
}

// What is hidden costs nothing: a narrow window leaves two blocks of keys to each tile of queries, whatever T is.
// That some keys are slots, which no one sees, changes nothing.
func TestHiddenTilesAreSkipped(t *testing.T) {
	const length, window = 1024, 64
	b := open(t, 1)
	plain := newAttentionCase(t, b, 1, length, window).forward.Mask
	slots := newAttentionCase(t, b, 1, length, window).forward.Mask
	if slots.Pos, _ = b.Alloc(tensor.Int32, length); slots.Pos == nil {
		t.Fatal("no room")
	}
	pos := make([]int32, length)
	for j := range pos {
		if pos[j] = int32(j); j%9 == 8 {
			pos[j] = math.MaxInt32
		}
	}
	b.Upload(slots.Pos, pos)
	b.PrepareMask(slots)
	for name, m := range map[string]kernels.Mask{"plain": plain, "slots": slots} {
		t.Run(name, func(t *testing.T) { testSkipped(t, b, m, length, window) })
	}
}

func testSkipped(t *testing.T, b *Backend, mask kernels.Mask, length, window int) {
	m := b.mask(mask)
	row := m.row(0)
	pairs := 0
	var found blocks
	for i := range pieces(length, tileQ) {
		for j := range pieces(length, tileS) {
			found.find(&row, i, j)
			for _, x := range found.all() {
				pairs += x.n * x.keys()
			}
		}
	}
	// Each query meets the keys of its window, rounded to groups at both ends.
	if limit := length * (window + 2*group); pairs > limit {
		t.Errorf("%d pairs are computed, more than %d: full attention has %d", pairs, limit, length*length)
	}
}
