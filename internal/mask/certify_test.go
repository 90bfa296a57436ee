package mask

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"dmtrain/internal/batch"
)

// bare is a plan over one row with the given mask, nothing hidden and no loss.
func bare(m Mask) *Plan {
	p := &Plan{
		B:       1,
		T:       m.T,
		Mask:    m,
		Hidden:  make([]uint8, m.T),
		Answer:  make([]int32, m.T),
		Targets: make([]int32, m.T),
	}
	p.Mask.Rows = 1
	for i := range p.Answer {
		p.Answer[i], p.Targets[i] = -1, -1
	}
	return p
}

// sliding is next-token prediction with pos = index and the given look-aheads.
func sliding(ahead ...int32) *Plan {
	n := len(ahead)
	m := Mask{
		T:   n,
		S:   n,
		Pos: make([]int32, n),
		Lo:  make([]int32, n),
		Hi:  make([]int32, n),
	}
	for i := range ahead {
		m.Pos[i], m.Hi[i] = int32(i), min(int32(i)+ahead[i], int32(n-1))
	}
	p := bare(m)
	for i := range n - 1 {
		p.Answer[i], p.Targets[i] = int32(i+1), 1
	}
	return p
}

func TestConstantLookaheadReachesFurtherEachLayer(t *testing.T) {
	const n = 20
	for w := range int32(4) {
		ahead := make([]int32, n)
		for i := range ahead {
			ahead[i] = w
		}
		p := sliding(ahead...)
		for layers := 1; layers <= 5; layers++ {
			for i, set := range p.Mask.Reach(0, layers) {
				furthest := 0
				for j := range n {
					if set.Has(j) {
						furthest = j
					}
				}
				if want := min(i+layers*int(w), n-1); furthest != want {
					t.Fatalf("w = %d, %d layers: %d reaches %d, want %d", w, layers, i, furthest, want)
				}
			}
		}
		if err := p.Certify(); (err == nil) != (w == 0) {
			t.Errorf("w = %d: certificate says %v", w, err)
		}
	}
}

// Position 0 sees 2 but not 1 (a lower bound keeps it out): safe in one layer, a leak in two, since 2 sees 1.
func TestSkippingTheAnswerLeaksAtTwoLayers(t *testing.T) {
	m := Mask{
		T:   3,
		S:   3,
		Pos: []int32{0, 1, 2},
		Lo:  []int32{2, 0, 0},
		Hi:  []int32{2, 1, 2},
	}
	p := bare(m)
	p.Answer[0], p.Targets[0] = 1, 1
	if leaks := p.Leaks(0, 1); len(leaks) != 0 {
		t.Errorf("one layer: %v", leaks[0])
	}
	leaks := p.Leaks(0, 2)
	if len(leaks) != 1 {
		t.Fatalf("two layers: %d leaks, want 1", len(leaks))
	}
	want := "mask leaks at step 0, row 0: position 0 must predict the token at 1, and reads it through 2 layers: " +
		"in layer 1 position 2 attends to 1, in layer 2 position 0 attends to 2"
	if leaks[0].Error() != want {
		t.Errorf("got  %s\nwant %s", leaks[0], want)
	}
	if p.Certify() == nil {
		t.Error("certified")
	}
}

func TestLeaksSayWhereAndHow(t *testing.T) {
	self := sliding(0, 0)
	self.Answer[1], self.Targets[1] = 1, 1
	// 2 looks past its level at nothing (lo keeps all out), and the answer of 0 is safe all the same
	unproved := sliding(0, 0, 0)
	unproved.Mask.Lo[2], unproved.Mask.Hi[2] = 7, 8
	for _, c := range []struct {
		name string
		plan *Plan
		want string
	}{
		{"direct", sliding(0, 1, 0), "row 5: position 1 must predict the token at 2, and attends to it directly"},
		{"itself", self, "row 5: position 1 must predict the token at 1, which is its own input"},
		{"unproved", unproved, "row 5: position 0 must predict the token at 1, and the certificate cannot prove"},
	} {
		c.plan.First = 5
		err := c.plan.Certify()
		var leak *Leak
		if !errors.As(err, &leak) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
	}
}

// A query with hi = Inf sees even what is hidden from all others. Here every attendable position keeps to lo ≥ pos, so
// only the missing bound tells that 2 sees 1, and through it its answer at 0.
func TestUnboundedQueriesAreRefused(t *testing.T) {
	p := bare(Mask{
		T:   3,
		S:   3,
		Pos: []int32{0, Inf, 5},
		Lo:  []int32{0, 0, 5},
		Hi:  []int32{0, 0, Inf},
	})
	p.Answer[2], p.Targets[2] = 0, 1
	var leak *Leak
	if err := p.Certify(); !errors.As(err, &leak) || !slices.Equal(leak.Path, []int{2, 1, 0}) {
		t.Errorf("want the path 2, 1, 0: %v", err)
	}
}

// Two copies of the text: noisy blocks denoised in parallel from clean earlier blocks (Arriola et al. 2025).
func blockDiffusion(half, blk int) *Plan {
	n := 2 * half
	m := Mask{
		T:   n,
		S:   n,
		Pos: make([]int32, n),
		Lo:  make([]int32, n),
		Hi:  make([]int32, n),
		Tag: make([]int32, n),
		A:   make([]int32, n),
		B:   make([]int32, n),
	}
	p := bare(m)
	for i := range half {
		noisy, clean := int32(2*(i/blk)), int32(2*(i/blk)+1)
		m.Tag[i], m.A[i], m.B[i] = noisy, noisy, noisy
		m.Tag[half+i], m.A[half+i], m.B[half+i] = clean, clean, Inf
		if i%3 != 0 {
			p.Hidden[i] = 1
			p.Answer[i], p.Targets[i] = int32(half+i), 1
		}
	}
	return p
}

func TestSecondIntervalMasksAreCertified(t *testing.T) {
	// A tree of 0 (1 (2 3) 4): preorder indices, subtrees as intervals. A node sees its ancestors and predicts a child.
	tree := bare(Mask{
		T:   5,
		S:   5,
		Pos: make([]int32, 5),
		Lo:  make([]int32, 5),
		Hi:  make([]int32, 5),
		Tag: []int32{0, 1, 2, 3, 4},
		A:   []int32{0, 1, 2, 3, 4},
		B:   []int32{4, 3, 2, 3, 4},
	})
	copy(tree.Answer, []int32{4, 3, -1, -1, -1})
	for _, c := range []struct {
		name string
		plan *Plan
	}{{"block diffusion", blockDiffusion(12, 4)}, {"tree", tree}} {
		if err := c.plan.Certify(); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if leaks := c.plan.Leaks(0, c.plan.T); len(leaks) > 0 {
			t.Errorf("%s: %v", c.name, leaks[0])
		}
	}
	broken := blockDiffusion(12, 4)
	for i := range 12 {
		broken.Mask.Tag[i]++ // noisy queries now see their own clean block
	}
	if broken.Certify() == nil {
		t.Error("block diffusion that sees its own clean block is certified")
	}
}

func TestLookaheadIsRefused(t *testing.T) {
	for _, form := range []string{FormNone, FormInput, FormInfill} {
		c := DefaultConfig()
		c.Structure, c.Window, c.Form = StructureLookahead, 2, form
		if problems := c.Problems(); len(problems) > 0 {
			t.Fatalf("structure lookahead cannot be written: %v", problems)
		}
		p, err := NewPlanner(c, 1, Run{SeqLen: 32, Vocab: genVocab})
		if err != nil {
			t.Fatal(err)
		}
		var plan Plan
		p.Plan(&plan, oneDocument(32), 0, State{Buckets: []Bucket{{Openness: 1}}})
		if err := plan.Certify(); err == nil || !strings.Contains(err.Error(), "attends to it directly") {
			t.Errorf("form %s: %v", form, err)
		}
	}
}

func BenchmarkCertify(b *testing.B) {
	for _, c := range []struct{ rows, length int }{{16, 128}, {8, 1024}} {
		b.Run(fmt.Sprintf("%dx%d", c.rows, c.length), func(b *testing.B) {
			_, _, plan, _ := benchPlan(b, c.rows, c.length)
			b.ReportAllocs()
			for b.Loop() {
				if err := plan.Certify(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkPlan(b *testing.B) {
	for _, c := range []struct{ rows, length int }{{16, 128}, {8, 1024}} {
		b.Run(fmt.Sprintf("%dx%d", c.rows, c.length), func(b *testing.B) {
			p, rows, plan, s := benchPlan(b, c.rows, c.length)
			b.ReportAllocs()
			for b.Loop() {
				p.Plan(plan, rows, 1, s)
			}
		})
	}
}

func BenchmarkMeasure(b *testing.B) {
	for _, c := range []struct{ rows, length int }{{16, 128}, {8, 1024}} {
		b.Run(fmt.Sprintf("%dx%d", c.rows, c.length), func(b *testing.B) {
			_, _, plan, _ := benchPlan(b, c.rows, c.length)
			var s Stats
			b.ReportAllocs()
			for b.Loop() {
				s.Measure(plan, 64, 64)
			}
		})
	}
}

func benchPlan(b *testing.B, n, length int) (*Planner, *batch.Batch, *Plan, State) {
	b.Helper()
	p, err := NewPlanner(infillConfig(), 1, Run{SeqLen: length, Vocab: genVocab})
	if err != nil {
		b.Fatal(err)
	}
	rows := batch.New(n, length)
	for i := range rows.IDs {
		rows.Next[i], rows.End[i] = 1, int32(length)
	}
	s := State{Buckets: []Bucket{{Openness: 1}}}
	plan := new(Plan)
	p.Plan(plan, rows, 1, s)
	return p, rows, plan, s
}
