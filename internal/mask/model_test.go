package mask_test

import (
	"math"
	"os"
	"slices"
	"testing"

	"dmtrain/internal/batch"
	"dmtrain/internal/kernels"
	"dmtrain/internal/kernels/ref"
	"dmtrain/internal/mask"
	"dmtrain/internal/model"
	"dmtrain/internal/rng"
)

const (
	probeLayers = 3
	probeVocab  = 11
	probeMost   = 12 // positions
)

// probeModel is a Transformer with random weights, large enough that every path through it moves the logits.
func probeModel(t *testing.T, be kernels.Backend) *model.Model {
	t.Helper()
	m, err := model.New(be, model.Config{
		Vocab:   probeVocab,
		Context: probeMost,
		Layers:  probeLayers,
		Heads:   2,
		Dim:     8,
	}, false)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range m.Params.All() {
		w := make([]float32, p.Shape.Elems())
		for i := range w {
			w[i] = float32(0.5 * rng.Normal(9, rng.Probe, 0, uint32(p.Index), uint32(i)))
		}
		be.Upload(p.Value(), w)
	}
	return m
}

// passes runs the model over rows of one length at a time.
type passes struct {
	t    *testing.T
	be   kernels.Backend
	m    *model.Model
	made map[[2]int]*model.Pass
	seed uint64 // of the kernel's draws: the planner's
}

func newPasses(t *testing.T) *passes {
	be := ref.New()
	return &passes{
		t:    t,
		be:   be,
		m:    probeModel(t, be),
		made: map[[2]int]*model.Pass{},
		seed: 5,
	}
}

func (p *passes) logits(ids []int32, plan *mask.Plan) []float32 {
	p.t.Helper()
	key := [2]int{plan.B, plan.T}
	if plan.Mask.Tag != nil {
		key[0] = -plan.B
	}
	pass := p.made[key]
	if pass == nil {
		var err error
		pass, err = p.m.NewPass(model.PassOptions{
			B:      plan.B,
			T:      plan.T,
			Hide:   true,
			Second: plan.Mask.Tag != nil,
			Logits: true,
		})
		if err != nil {
			p.t.Fatal(err)
		}
		p.made[key] = pass
	}
	rows := batch.New(plan.B, plan.T)
	rows.IDs = ids
	pass.Load(rows, plan)
	pass.At(p.seed, plan.Step, plan.First)
	pass.Supervised(1)
	pass.Forward()
	out := make([]float32, plan.B*plan.T*probeVocab)
	if err := p.be.Download(out, pass.Logits.Buffer()); err != nil {
		p.t.Fatal(err)
	}
	return out
}

// The theory against a real model: output i moves with the token at k exactly where k is in R_3(i) and not hidden.
func TestReachIsWhatAModelDependsOn(t *testing.T) {
	number := 300
	if os.Getenv("DMTRAIN_LONG") == "1" {
		number = 10_000
	}
	run := newPasses(t)
	dependent, independent := 0, 0
	for i := range number {
		plan := randomMask(i)
		reach := plan.Mask.Reach(0, probeLayers)
		moved := run.influence(plan)
		for q := range plan.T {
			for k := range plan.T {
				want := reach[q].Has(k) && plan.Hidden[k] == 0
				if moved[q][k] != want {
					t.Fatalf("mask %d: output %d moves with the token at %d: %v, in its reach: %v\n%+v", i, q, k,
						moved[q][k], want, *plan)
				}
				if want {
					dependent++
				} else {
					independent++
				}
			}
		}
	}
	t.Logf("%d masks: %d pairs depend, %d do not", number, dependent, independent)
}

// influence[q][k] says whether the logits at q change with the token at k of a one-row plan. All changes run as rows of
// one batch, the last of which is unchanged.
func (p *passes) influence(plan *mask.Plan) [][]bool {
	n := plan.T
	many := repeat(plan, n+1)
	ids := make([]int32, (n+1)*n)
	for i := range ids {
		ids[i] = int32(i % n % probeVocab)
		if i/n == i%n {
			ids[i] = (ids[i] + 4) % probeVocab
		}
	}
	logits := p.logits(ids, many)
	row := func(b, q int) []float32 { return logits[(b*n+q)*probeVocab : (b*n+q+1)*probeVocab] }
	moved := make([][]bool, n)
	for q := range n {
		moved[q] = make([]bool, n)
		for k := range n {
			moved[q][k] = differ(row(k, q), row(n, q))
		}
	}
	return moved
}

func differ(a, b []float32) bool {
	for i := range a {
		if a[i] != b[i] {
			return true
		}
	}
	return false
}

// repeat is a one-row plan for so many rows.
func repeat(p *mask.Plan, rows int) *mask.Plan {
	r := &mask.Plan{B: rows, T: p.T, Mask: mask.Mask{Rows: rows, T: p.T, S: p.T}}
	for range rows {
		r.Rate, r.Hidden = append(r.Rate, p.Rate...), append(r.Hidden, p.Hidden...)
		r.Targets, r.Answer = append(r.Targets, p.Targets...), append(r.Answer, p.Answer...)
		m, n := &r.Mask, &p.Mask
		m.Pos, m.Lo, m.Hi = append(m.Pos, n.Pos...), append(m.Lo, n.Lo...), append(m.Hi, n.Hi...)
		m.Tag, m.A, m.B = append(m.Tag, n.Tag...), append(m.A, n.A...), append(m.B, n.B...)
	}
	return r
}

// randomMask draws any mask at all, over 2 … 12 positions: levels, bounds, often a second interval, hidden tokens.
func randomMask(number int) *mask.Plan {
	column := uint32(0)
	draw := func(n int) int32 {
		column++
		return int32(rng.Below(3, rng.Probe, uint32(number), 0, column, n))
	}
	n := 2 + int(draw(probeMost-1))
	p := &mask.Plan{B: 1, T: n, Mask: mask.Mask{Rows: 1, T: n, S: n}}
	second, sparse := draw(2) == 0, 1+int(draw(n))
	for range n {
		level := draw(n)
		low := max(0, level-draw(sparse))
		hidden := uint8(draw(4) / 3)
		if hidden != 0 && draw(2) == 0 {
			level = mask.Inf
		}
		p.Hidden, p.Rate = append(p.Hidden, hidden), append(p.Rate, float32(hidden))
		p.Targets, p.Answer = append(p.Targets, -1), append(p.Answer, -1)
		m := &p.Mask
		m.Pos, m.Lo, m.Hi = append(m.Pos, level), append(m.Lo, low), append(m.Hi, low+draw(sparse)-1)
		if second {
			a := draw(n)
			m.Tag, m.A, m.B = append(m.Tag, draw(n)), append(m.A, a), append(m.B, a+draw(n))
		}
	}
	return p
}

// planned is a planner's plan over random rows of one document each.
func planned(t *testing.T, c mask.Config) (*mask.Planner, *batch.Batch) {
	t.Helper()
	p, err := mask.NewPlanner(c, 5, mask.Run{
		SeqLen:  probeMost,
		Steps:   10,
		Vocab:   probeVocab,
		Entropy: 2,
	})
	if err != nil {
		t.Fatal(err)
	}
	rows := batch.New(4, probeMost)
	for n := range rows.IDs {
		rows.IDs[n] = int32(rng.Below(5, rng.Probe, 1, 0, uint32(n), probeVocab))
		rows.Next[n], rows.End[n] = -1, probeMost
		if n%probeMost > 0 {
			rows.Next[n-1] = rows.IDs[n]
		}
	}
	return p, rows
}

func open(u float64) mask.State { return mask.State{Buckets: []mask.Bucket{{Openness: u}}} }

// The numeric probe over every structure and form: sound plans pass, look-ahead is caught on the path the closure
// names.
func TestProbe(t *testing.T) {
	run := newPasses(t)
	for _, structure := range []string{"causal", "full", "prefix", "window", "blocks", "sinks", "lookahead"} {
		for _, form := range []string{"none", "input", "infill"} {
			if structure == "full" && form == "none" {
				continue
			}
			t.Run(structure+"/"+form, func(t *testing.T) {
				c := mask.DefaultConfig()
				c.Structure, c.Form, c.Window, c.Sinks, c.Prob, c.MaxWindow = structure, form, 4, 1, 0.4, 6
				p, rows := planned(t, c)
				var plan mask.Plan
				p.Plan(&plan, rows, 2, open(1))
				leaks, err := plan.Probe(rows.IDs, probeVocab, func(dst []float32, ids []int32) error {
					copy(dst, run.logits(ids, &plan))
					return nil
				})
				if err != nil {
					t.Fatal(err)
				}
				var closure []*mask.Leak
				for b := range plan.B {
					closure = append(closure, plan.Leaks(b, probeLayers)...)
				}
				if len(leaks) != len(closure) || (len(leaks) > 0) != (structure == "lookahead") {
					t.Fatalf("the probe finds %d leaks, the closure %d", len(leaks), len(closure))
				}
			})
		}
	}
}

// A model that does not keep to its mask is caught though the mask is sound.
func TestProbeCatchesAttentionThatIgnoresTheMask(t *testing.T) {
	run := newPasses(t)
	p, rows := planned(t, mask.DefaultConfig())
	var plan mask.Plan
	p.Plan(&plan, rows, 2, open(1))
	leaks, err := plan.Probe(rows.IDs, probeVocab, func(dst []float32, ids []int32) error {
		blind := plan
		blind.Mask.Lo, blind.Mask.Hi = make([]int32, len(ids)), make([]int32, len(ids))
		for i := range blind.Mask.Hi {
			blind.Mask.Hi[i] = probeMost
		}
		copy(dst, run.logits(ids, &blind))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(leaks) != plan.Supervised || leaks[0].By != mask.ByProbe || leaks[0].Path != nil {
		t.Fatalf("%d leaks of %d positions: %v", len(leaks), plan.Supervised, leaks[0])
	}
}

// Control two_pass makes the mask from this batch's tokens: from those that are not hidden. Changing a hidden one
// must change no bit of the plan, nor of any output; so both passes and the planning run anew. Changing others
// moves windows, or the test would test nothing.
func TestTwoPassIsBlindToWhatIsHidden(t *testing.T) {
	run := newPasses(t)
	for _, structure := range []string{"causal", "prefix", "window", "blocks", "full"} {
		t.Run(structure, func(t *testing.T) {
			c := mask.DefaultConfig()
			c.Structure, c.Window, c.Form, c.Control, c.Reliability = structure, 6, "infill", "two_pass", "confidence"
			c.Prob, c.MaxWindow, c.Low, c.High, c.Warmup = 0.5, 11, 0, 1, 1
			p, rows := planned(t, c)
			moved := false
			for step := 1; step <= 3; step++ {
				moved = run.twoPassProbe(t, p, rows, step) || moved
			}
			if !moved {
				t.Error("no token ever moved a window: the test tests nothing")
			}
		})
	}
}

// twoPassProbe fails if a plan or an output follows a hidden token, and says whether any window followed one that
// is not.
func (p *passes) twoPassProbe(t *testing.T, planner *mask.Planner, rows *batch.Batch, step int) (moved bool) {
	replan := func(ids []int32) (plan mask.Plan, logits []float32) {
		var first mask.Plan
		changed := *rows
		changed.IDs = ids
		planner.PlanFirst(&first, &changed, step, open(0))
		planner.PlanTwoPass(&plan, &changed, step, open(0),
			&mask.FirstPass{Plan: &first, Out: mask.Outputs{Conf: confidence(p.logits(ids, &first))}})
		if err := plan.Certify(); err != nil {
			t.Fatal(err)
		}
		return plan, p.logits(ids, &plan)
	}
	plan, logits := replan(rows.IDs)
	for n, hidden := range plan.Hidden {
		ids := slices.Clone(rows.IDs)
		ids[n] = (ids[n] + 1) % probeVocab
		now, out := replan(ids)
		same := slices.Equal(now.Window, plan.Window)
		moved = moved || hidden == 0 && !same
		if hidden != 0 && (!same || differ(logits, out)) {
			t.Fatalf("step %d: a window or an output follows hidden token %d", step, n)
		}
	}
	return moved
}

// confidence is max p of each token.
func confidence(logits []float32) []float32 {
	out := make([]float32, len(logits)/probeVocab)
	for n := range out {
		row := logits[n*probeVocab : (n+1)*probeVocab]
		sum, top := 0.0, row[0]
		for _, v := range row {
			top = max(top, v)
		}
		for _, v := range row {
			sum += math.Exp(float64(v - top))
		}
		out[n] = float32(1 / sum)
	}
	return out
}
