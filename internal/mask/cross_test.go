package mask

import (
	"errors"
	"slices"
	"testing"
)

// What openness adds to k is a constant: positions of short and long sources see equally much of them, as long as there is some.
func TestWaitingDoesNotTellTheSourceLength(t *testing.T) {
	c := DefaultConfig()
	c.Form, c.Cross, c.WaitK, c.WaitMore = FormInput, CrossWaitK, 2, 4
	p, err := NewPlanner(c, 1, Run{SeqLen: 20, Vocab: 9, Steps: 1})
	if err != nil {
		t.Fatal(err)
	}
	short, long, plan := make([]int32, 4), make([]int32, 4), Plan{}
	s := State{Buckets: []Bucket{{Openness: 0.5}}}
	p.Plan(&plan, packed(4, 4), 0, s)
	p.Sees(short, &plan, []int32{7}, s)
	p.Sees(long, &plan, []int32{20}, s)
	if want := []int32{3, 4, 5, 6}; !slices.Equal(short, want) || !slices.Equal(long, want) {
		t.Errorf("of 7 and of 20 source tokens are seen %v and %v, want %v of both", short, long, want)
	}
}

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
