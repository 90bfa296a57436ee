package mask

import (
	"errors"
	"testing"
)

// Waiting reads k tokens, then one more with each target token, and never past the source; a target that sees a later one, which has
// read more, is refused.
func TestWaitingIsCertified(t *testing.T) {
	c := DefaultConfig()
	c.Cross, c.WaitK = CrossWaitK, 2
	p, err := NewPlanner(c, 1, Run{SeqLen: 6, Vocab: 9, Steps: 1})
	if err != nil {
		t.Fatal(err)
	}
	rows, plan, sees := packed(6, 6), Plan{}, make([]int32, 6)
	p.PlanStatic(&plan, rows, 0)
	p.Sees(sees, &plan, []int32{5}, State{})
	for i, want := range []int32{1, 2, 3, 4, 4, 4} {
		if sees[i] != want {
			t.Errorf("position %d sees up to %d, want %d", i, sees[i], want)
		}
	}
	if err := plan.CertifyCross(sees); err != nil {
		t.Error(err)
	}
	plan.Mask.Hi[1] = 2
	var leak *Leak
	if err := plan.CertifyCross(sees); !errors.As(err, &leak) || leak.Position != 1 || leak.Path[1] != 2 || leak.Answer != 3 {
		t.Errorf("a look ahead at what has read more: %v", err)
	}

	// What bears no loss may hand on what it has read.
	plan.Targets[1] = -1
	if plan.CertifyCross(sees) == nil {
		t.Error("a look ahead through a position without a loss passes")
	}
}
