package mask

import (
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"dmtrain/internal/batch"
	"dmtrain/internal/rng"
)

// sourced are rows of t tokens that read sources of s tokens, of the given lengths.
func sourced(t, s int, lens ...int) *batch.Batch {
	rows := batch.New(len(lens), t, s)
	for b, n := range lens {
		rows.Document(b, make([]int32, t))
		rows.Sources[0].Document(b, make([]int32, n))
	}
	return rows
}

func planner(t *testing.T, c Config, run Run) *Planner {
	t.Helper()
	p, err := NewPlanner(c, 1, run)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// Sources are hidden at one rate, but for their ends, padding and the sources of anchors; never in evaluation. What
// is hidden is what the bernoulli kernel draws.
func TestSourceRates(t *testing.T) {
	for _, c := range []struct {
		form string
		want []float32
	}{
		{FormNone, []float32{.25, .25, .25, 0, .25, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}},
		{FormInput, []float32{0, 0, 0, 0, .25, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}}, // row 0 is an anchor
	} {
		cfg := DefaultConfig()
		cfg.Form, cfg.SourceProb = c.form, 0.25
		p, rows, plan := planner(t, cfg, Run{SeqLen: 6, Vocab: 9, Steps: 1}), sourced(6, 4, 4, 2, 1, 0), Plan{}
		p.Plan(&plan, rows, 0, State{Buckets: []Bucket{{Openness: 1}}})
		source := &plan.Sources[0]
		if !slices.Equal(source.Rate, c.want) {
			t.Errorf("form %s: %v, want %v", c.form, source.Rate, c.want)
		}
		for n, rate := range source.Rate {
			u := rng.Uniform(SourceSeed(1), rng.Hide, 0, uint32(n/4), uint32(n%4))
			if hidden := source.Hidden[n] != 0; hidden != (u < rate) {
				t.Errorf("form %s: source token %d is hidden: %v, at rate %v by a draw of %v", c.form, n, hidden,
					rate, u)
			}
		}
		p.PlanStatic(&plan, rows, 0)
		if slices.Max(source.Rate) > 0 || slices.Max(source.Hidden) > 0 {
			t.Errorf("form %s: evaluation hides source tokens", c.form)
		}
	}
	if SourceSeed(7) == 7 {
		t.Error("sources and targets are hidden by the same draws")
	}
}

// An encoder sees its source whole, or up to each token; never padding.
func TestSourceSeesItself(t *testing.T) {
	const s = 5
	lens := []int{5, 3, 0}
	for _, causal := range []bool{false, true} {
		p, plan := planner(t, DefaultConfig(), Run{
			SeqLen:        6,
			Vocab:         9,
			Steps:         1,
			CausalEncoder: causal,
		}), Plan{}
		p.PlanStatic(&plan, sourced(6, s, lens...), 0)
		for b, n := range lens {
			for i := range s {
				for j := range s {
					want := i < n && j < n && (j <= i || !causal)
					if got := plan.Sources[0].Self.Visible(b, i, j); got != want {
						t.Errorf("causal %v, length %d: token %d sees %d: %v", causal, n, i, j, got)
					}
				}
			}
			for i := range 6 {
				for j := range s {
					if got := plan.Sources[0].Cross.Visible(b, i, j); got != (j < n) {
						t.Errorf("length %d: position %d sees source token %d: %v", n, i, j, got)
					}
				}
			}
		}
	}
}

// What openness adds to k is a constant: positions of short and long sources see equally much of them, as long as
// there is some.
func TestWaitingDoesNotTellTheSourceLength(t *testing.T) {
	c := DefaultConfig()
	c.Form, c.Cross, c.WaitK, c.WaitMore = FormInput, CrossWaitK, 2, 4
	p, plan := planner(t, c, Run{
		SeqLen:        20,
		Vocab:         9,
		Steps:         1,
		CausalEncoder: true,
	}), Plan{}
	p.Plan(&plan, sourced(4, 20, 7, 20), 0, State{Buckets: []Bucket{{Openness: 0.5}}})
	want := []int32{3, 4, 5, 6}
	if sees := plan.Sources[0].Cross.Hi; !slices.Equal(sees[:4], want) || !slices.Equal(sees[4:], want) {
		t.Errorf("of 7 and of 20 source tokens are seen %v, want %v of both", sees, want)
	}
}

// Waiting reads k tokens, then one more with each target token, and never past the source; a target that sees a
// later one, which has read more, is refused, and so is an encoder whose tokens have seen the source's end.
func TestWaitingIsCertified(t *testing.T) {
	c := DefaultConfig()
	c.Cross, c.WaitK = CrossWaitK, 2
	p, plan := planner(t, c, Run{
		SeqLen:        6,
		Vocab:         9,
		Steps:         1,
		CausalEncoder: true,
	}), Plan{}
	rows := sourced(6, 6, 5)
	p.PlanStatic(&plan, rows, 0)
	for i, want := range []int32{1, 2, 3, 4, 4, 4} {
		if sees := plan.Sources[0].Cross.Hi[i]; sees != want {
			t.Errorf("position %d sees up to %d, want %d", i, sees, want)
		}
	}
	if err := plan.Certify(); err != nil {
		t.Error(err)
	}
	for i := range plan.Answer {
		plan.Answer[i] = -1 // what they predict does not stand in the row, and is not the question here
	}
	plan.Mask.Hi[1] = 2
	var leak *Leak
	if err := plan.Certify(); !errors.As(err, &leak) || leak.By != ByCross || leak.Position != 1 || leak.Path[1] != 2 ||
		leak.Answer != 3 {
		t.Errorf("a look ahead at what has read more: %v", err)
	}

	// What bears no loss may hand on what it has read.
	plan.Targets[1] = -1
	if plan.Certify() == nil {
		t.Error("a look ahead through a position without a loss passes")
	}

	p = planner(t, c, Run{SeqLen: 6, Vocab: 9, Steps: 1})
	p.PlanStatic(&plan, rows, 0)
	if err := plan.Certify(); !errors.As(err, &leak) || leak.By != ByEncoder || leak.Position != 0 || leak.Answer < 2 {
		t.Errorf("an encoder that has seen the whole source: %v", err)
	}
}

// On random masks the certificate of sources refuses whatever reach finds: an output that depends on a source token
// past its bound.
func TestSourceCertificateAgainstReach(t *testing.T) {
	refused, sound := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		n, s := rapid.IntRange(1, 7).Draw(t, "target"), rapid.IntRange(1, 7).Draw(t, "source")
		small := func(most int, what string) int32 { return int32(rapid.IntRange(-1, most).Draw(t, what)) }
		p := &Plan{
			B:       1,
			T:       n,
			Mask:    NewMask(1, n, n),
			Hidden:  make([]uint8, n),
			Targets: make([]int32, n),
			Answer:  make([]int32, n),
			Sources: []SourcePlan{{Self: NewMask(1, s, s), Cross: NewMask(1, n, s)}},
		}
		self, cross := &p.Sources[0].Self, &p.Sources[0].Cross
		for i := range n {
			p.Mask.Pos[i], p.Mask.Hi[i], cross.Hi[i], p.Answer[i] = max(small(n-1, "pos"), 0), small(n-1, "hi"),
				small(s-1, "bound"), -1
		}
		for j := range s {
			self.Pos[j], self.Hi[j], cross.Pos[j] = max(small(s-1, "source pos"), 0), small(s-1, "source hi"), int32(j)
		}
		if p.Certify() != nil {
			refused++
			return
		}
		sound++
		own, source := p.Mask.Reach(0, n), self.Reach(0, s)
		for i := range n {
			for k := range n {
				for j := range s {
					if own[i].Has(k) && cross.Visible(0, k, j) {
						for l := range s {
							if source[j].Has(l) && int32(l) > cross.Hi[i] {
								t.Fatalf("certified, but output %d reads source token %d, by %d and %d, past its "+
									"bound %d", i, l, k, j, cross.Hi[i])
							}
						}
					}
				}
			}
		}
	})
	if refused == 0 || sound == 0 {
		t.Errorf("%d plans refused and %d certified: the test compares nothing", refused, sound)
	}
}
