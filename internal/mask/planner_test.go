package mask

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"dmtrain/internal/batch"
	"dmtrain/internal/rng"
)

func TestEveryValidPlanIsCertified(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows := genRows(t, 3, 24)
		p, s := genPlanner(t, genConfig(t), 24)
		step := rapid.IntRange(0, 1000).Draw(t, "step")
		var plan Plan
		for _, c := range []struct {
			name string
			make func()
		}{
			{"Plan", func() { p.Plan(&plan, rows, step, s) }},
			{"PlanStatic", func() { p.PlanStatic(&plan, rows, step) }},
			{"PlanInfill", func() { p.PlanInfill(&plan, rows, 3, 0.5) }},
			{"PlanSlots", func() { p.PlanSlots(&plan, rows, genSlots(t, rows)) }},
		} {
			c.make()
			if err := plan.Certify(); err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
			for b := range rows.B {
				if leaks := plan.Leaks(b, rows.T); len(leaks) > 0 {
					t.Fatalf("%s is certified, but %v", c.name, leaks[0])
				}
			}
		}
	})
}

func genSlots(t *rapid.T, rows *batch.Batch) []int32 {
	windows := make([]int32, rows.B*rows.T)
	for n := range windows {
		windows[n] = int32(rapid.IntRange(-1, rows.T).Draw(t, "window"))
	}
	return windows
}

func TestHiddenBitsAreTheKernels(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows := genRows(t, 3, 24)
		p, s := genPlanner(t, genConfig(t), 24)
		var plan Plan
		p.Plan(&plan, rows, 17, s)
		for b := range rows.B {
			for i := range rows.T {
				n := b*rows.T + i
				want := rng.Uniform(p.seed, rng.Hide, 17, uint32(rows.First+b), uint32(i)) < plan.Rate[n]
				if got := plan.Hidden[n] != 0; got != want {
					t.Fatalf("row %d, position %d: hidden %v, the kernel draws %v", b, i, got, want)
				}
			}
		}
	})
}

func TestPlansDoNotDependOnTheSplit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows := genRows(t, 6, 16)
		p, s := genPlanner(t, genConfig(t), 16)
		var whole, part, again Plan
		p.Plan(&whole, rows, 5, s)
		for from := 0; from < rows.B; {
			n := rapid.IntRange(1, rows.B-from).Draw(t, "micro-batch")
			p.Plan(&part, cut(rows, from, n), 5, s)
			again = joined(again, part)
			from += n
		}
		again.First, again.B, again.Mask.Rows, again.Step, again.T, again.Mask.T = whole.First, whole.B, whole.B, 5,
			whole.T, whole.T
		again.Mask.S = whole.Mask.S
		if diff := cmp.Diff(whole, again, cmpopts.IgnoreUnexported(Plan{}), cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("whole batch against micro-batches (-whole +split):\n%s", diff)
		}
	})
}

// cut is the micro-batch of n rows from a row on.
func cut(r *batch.Batch, from, n int) *batch.Batch {
	a, b := from*r.T, (from+n)*r.T
	return &batch.Batch{
		First: r.First + from,
		B:     n,
		Stream: batch.Stream{
			T:     r.T,
			IDs:   r.IDs[a:b],
			Next:  r.Next[a:b],
			Start: r.Start[a:b],
			End:   r.End[a:b],
		},
	}
}

func joined(a, b Plan) Plan {
	a.Rate, a.Hidden = append(a.Rate, b.Rate...), append(a.Hidden, b.Hidden...)
	a.Targets, a.Answer = append(a.Targets, b.Targets...), append(a.Answer, b.Answer...)
	a.Window, a.Anchor = append(a.Window, b.Window...), append(a.Anchor, b.Anchor...)
	a.Supervised += b.Supervised
	m, n := &a.Mask, b.Mask
	m.Pos, m.Lo, m.Hi = append(m.Pos, n.Pos...), append(m.Lo, n.Lo...), append(m.Hi, n.Hi...)
	m.Tag, m.A, m.B = append(m.Tag, n.Tag...), append(m.A, n.A...), append(m.B, n.B...)
	return a
}

func TestPlanInvariants(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows := genRows(t, 3, 24)
		c := genConfig(t)
		p, s := genPlanner(t, c, 24)
		step := rapid.IntRange(0, 100).Draw(t, "step")
		var plan Plan
		p.Plan(&plan, rows, step, s)
		supervised := 0
		for b := range rows.B {
			if want := c.Form == FormNone || (rows.First+b+step)%c.Anchors == 0; plan.Anchor[b] != want {
				t.Fatalf("row %d, anchor: %v, want %v", b, plan.Anchor[b], want)
			}
			for i := range rows.T {
				checkPosition(t, &plan, rows, &c, b, i)
				supervised += boolInt(plan.Targets[b*rows.T+i] >= 0)
			}
		}
		if plan.Supervised != supervised {
			t.Fatalf("Supervised = %d, counted %d", plan.Supervised, supervised)
		}
	})
}

func checkPosition(t *rapid.T, p *Plan, rows *batch.Batch, c *Config, b, i int) {
	n := b*rows.T + i
	padding, slot, hidden := rows.Start[n] < 0, p.Slot(b, i), p.Hidden[n] != 0
	switch {
	case hidden && p.Anchor[b]:
		t.Fatalf("an anchor hides position %d", i)
	case hidden && padding:
		t.Fatalf("padding is hidden at %d", i)
	case hidden && (int(rows.Start[n]) == i || int(rows.End[n]) == i+1):
		t.Fatalf("the first or the last token of a document is hidden at %d: the document's bounds are made from it", i)
	case slot != (hidden && c.Form == FormInfill):
		t.Fatalf("slot %v at %d under form %s, hidden %v", slot, i, c.Form, hidden)
	case !slot && p.Window[n] != 0:
		t.Fatalf("window %d without a slot at %d", p.Window[n], i)
	case slot && (p.Targets[n] != rows.IDs[n] || int(p.Answer[n]) != i):
		t.Fatalf("slot %d predicts %d at %d, not itself", i, p.Targets[n], p.Answer[n])
	case !slot && p.Targets[n] >= 0 && p.Targets[n] != rows.Next[n]:
		t.Fatalf("position %d predicts %d, the next token is %d", i, p.Targets[n], rows.Next[n])
	case (p.Targets[n] < 0) && p.Answer[n] >= 0:
		t.Fatalf("position %d has an answer, but no target", i)
	case p.Answer[n] >= 0 && rows.IDs[b*rows.T+int(p.Answer[n])] != p.Targets[n]:
		t.Fatalf("position %d: the answer at %d is not its target", i, p.Answer[n])
	}
	for j := range rows.T {
		if p.Mask.Visible(b, i, j) && (padding || rows.Start[n] != rows.Start[b*rows.T+j]) {
			t.Fatalf("%d sees %d across documents or padding", i, j)
		}
	}
}

func TestPlanAllocatesNothing(t *testing.T) {
	rows := oneDocument(64)
	c := infillConfig()
	c.Structure, c.Window = StructureSinks, 16
	p, err := NewPlanner(c, 1, Run{SeqLen: 64, Vocab: genVocab})
	if err != nil {
		t.Fatal(err)
	}
	s := State{Buckets: []Bucket{{Openness: 1}}}
	var plan Plan
	p.Plan(&plan, rows, 1, s)
	if n := testing.AllocsPerRun(10, func() {
		p.Plan(&plan, rows, 1, s)
		if plan.Certify() != nil {
			t.Fatal("leaks")
		}
	}); n != 0 {
		t.Errorf("a plan and its certificate allocate %v times", n)
	}
}

// An evaluation must hide the same tokens each time, and others than training.
func TestInfillEvaluationRepeats(t *testing.T) {
	rows := oneDocument(256)
	c := infillConfig()
	c.Prob, c.Anchors = 0.15, 0
	p, err := NewPlanner(c, 1, Run{SeqLen: 256, Vocab: genVocab})
	if err != nil {
		t.Fatal(err)
	}
	var a, b, other, train Plan
	p.PlanInfill(&a, rows, 2, 0.15)
	p.PlanInfill(&b, rows, 2, 0.15)
	p.PlanInfill(&other, rows, 3, 0.15)
	p.Plan(&train, rows, 2, State{Buckets: []Bucket{{Openness: 1}}})
	if !slices.Equal(a.Hidden, b.Hidden) {
		t.Error("the same batch hides other tokens")
	}
	if slices.Equal(a.Hidden, other.Hidden) || slices.Equal(a.Hidden, train.Hidden) {
		t.Error("different draws hide the same tokens")
	}
	for n, h := range a.Hidden {
		if (h != 0) != (a.Targets[n] >= 0) {
			t.Fatalf("position %d: hidden %d, target %d", n, h, a.Targets[n])
		}
		if want := min(n+p.Config().MaxWindow, 255); h != 0 && int(a.Mask.Hi[n]) != want {
			t.Fatalf("slot %d sees up to %d, not to %d", n, a.Mask.Hi[n], want)
		}
	}
}

// Windows are uniform on 0 … W: within five standard errors of each share.
func TestWindowsAreUniform(t *testing.T) {
	const length, steps, widest = 256, 200, 8
	rows := oneDocument(length)
	c := infillConfig()
	c.MaxWindow, c.Prob, c.Anchors = widest, 0.5, 0
	p, err := NewPlanner(c, 1, Run{SeqLen: length, Vocab: genVocab})
	if err != nil {
		t.Fatal(err)
	}
	var plan Plan
	var count [widest + 1]int
	slots := 0
	for step := range steps {
		p.Plan(&plan, rows, step, State{Buckets: []Bucket{{Openness: 1}}})
		for i := range length - widest { // later ones are clipped
			if plan.Slot(0, i) {
				count[plan.Window[i]]++
				slots++
			}
		}
	}
	mean := float64(slots) / (widest + 1)
	for w, n := range count {
		if d := float64(n) - mean; d*d > 25*mean {
			t.Errorf("window %d drawn %d times, expected %.0f", w, n, mean)
		}
	}
}

func TestDefaultsOfTheRun(t *testing.T) {
	p, err := NewPlanner(infillConfig(), 1, Run{
		SeqLen: 256,
		Steps:  70,
		Warmup: 300,
		Vocab:  genVocab,
	})
	if err != nil {
		t.Fatal(err)
	}
	if c := p.Config(); c.MaxWindow != 64 || c.Schedule.Steps != 70 || c.Warmup != 300 {
		t.Errorf("max_window %d, schedule.steps %d, warmup %d", c.MaxWindow, c.Schedule.Steps, c.Warmup)
	}
}
