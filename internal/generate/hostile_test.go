package generate

import (
	"context"
	"math"
	"strings"
	"testing"

	"dmtrain/internal/mask"
)

// The largest number there is must be refused as any other that is too large, without overflow.
func TestLengthsWithoutBounds(t *testing.T) {
	be, m := randomModel(t)
	d, err := NewDecoder(m, mask.DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	defer d.Free()
	var ids []int32
	if _, err := d.Continue(context.Background(), []int32{1}, greedy(4).inBlocks(math.MaxInt, Acceptance{Threshold: 1}),
		collect(&ids)); err == nil || !strings.HasPrefix(err.Error(), "block: ") {
		t.Errorf("block: %v", err)
	}
	c := mask.DefaultConfig()
	c.Form = mask.FormInfill
	f, err := NewFiller(be, m, c)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range []FillOptions{{Options: greedy(0), Length: math.MaxInt},
		{Options: greedy(0), MaxLength: math.MaxInt}} {
		if _, _, _, err := f.Fill(context.Background(), [][]int32{{1}, {2}}, o); err == nil ||
			!strings.Contains(err.Error(), "more than the model's context of 32") {
			t.Errorf("blank: %v", err)
		}
	}
}
