package maskcheck

import (
	"os"
	"path/filepath"
	"testing"

	"dmtrain/internal/config"
	"dmtrain/internal/kernels/cpu"
	"dmtrain/internal/mask"
	"dmtrain/internal/rng"
	"dmtrain/internal/task/fixture"
)

// documents gives a configuration many short documents.
func documents(t *testing.T, c config.Config) config.Config {
	t.Helper()
	path := filepath.Join(t.TempDir(), "documents")
	if err := os.WriteFile(path, []byte(fixture.Documents(1, 400)), 0o644); err != nil {
		t.Fatal(err)
	}
	c.Data.Train, c.Data.DocumentSeparator, c.Data.Tokenizer.Kind, c.Data.SeqLen = []string{path}, "|", "char", 32
	c.Mask.Prob, c.Mask.MaxWindow, c.Mask.Low, c.Mask.High = 0.5, 20, 0, 1
	return c
}

// probed probes every position of a step's rows.
func probed(t *testing.T, p *prober, m *Masks, step int, plan func(*mask.Plan) error) []*mask.Leak {
	t.Helper()
	rows := m.room(m.largest(), p.pass.B)
	m.text.Train.Fill(rows, step)
	p.text.take(rows, m.run.End, step)
	var base mask.Plan
	if err := plan(&base); err != nil {
		t.Fatal(err)
	}
	var all []int
	for i := range p.pass.T {
		all = append(all, i)
	}
	leaks, err := base.ProbeAt(p.model.Vocab, all, func(dst []float32, at int) (*mask.Plan, error) {
		p.text.fill(at)
		if err := plan(&p.plan); err != nil {
			return nil, err
		}
		return &p.plan, p.logits(dst)
	})
	if err != nil {
		t.Fatal(err)
	}
	return leaks
}

func proberOf(t *testing.T, c config.Config) (*prober, *Masks) {
	t.Helper()
	m := masksOf(t, c)
	be, err := cpu.New(cpu.Options{Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { be.Close() })
	p, err := newProber(be, m, 2, m.room(m.largest(), 4), 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.free)
	return p, m
}

// The probe finds an End that is a slot while bounding its document: with a letter in its place, the slot sees what is
// behind it. The planner makes no such slots.
func TestProbeFindsTheSlotThatIsABound(t *testing.T) {
	for _, structure := range []string{"causal", "window", "sinks"} {
		c := documents(t, fixture.WithMask(mask.FormInfill, mask.ControlFixed))
		c.Mask.Structure, c.Mask.Window, c.Mask.Sinks = structure, 6, 2
		p, m := proberOf(t, c)
		for step := range 3 {
			own := func(dst *mask.Plan) error { return p.replan(dst, sample{step: step, openness: 1}) }
			if leaks := probed(t, p, m, step, own); len(leaks) > 0 {
				t.Fatal(structure, leaks[0])
			}
		}

		run := m.run
		run.End, run.Vocab = -1, p.model.Vocab
		unaware, err := mask.NewPlanner(c.Mask, c.Run.Seed, run)
		if err != nil {
			t.Fatal(err)
		}
		p.text.planner = unaware
		ends := 0
		for step := range 3 {
			leaks := probed(t, p, m, step, func(dst *mask.Plan) error {
				rows := p.text.rows
				windows := make([]int32, len(rows.IDs))
				for n := range windows {
					b, at := n/rows.T, n%rows.T
					windows[n] = -1
					if int(rows.Start[n]) < at &&
						rng.Uniform(c.Run.Seed, rng.Hide, uint32(step), uint32(b), uint32(at)) < 0.5 {
						windows[n] = 20
					}
				}
				p.planner.PlanSlots(dst, rows, windows)
				return nil
			})
			for _, l := range leaks {
				if p.text.base.IDs[l.Row*32+l.Answer] == p.text.end {
					ends++
				}
			}
		}
		if ends == 0 {
			t.Errorf("structure %s: slots at documents' ends whose bounds are made from them are not found", structure)
		}
	}
}

// The probe finds a first pass that reads tokens hidden in the second, in every task, and passes one that does not.
func TestProbeFindsAFirstLookAtWhatIsHidden(t *testing.T) {
	pairs := fixture.Pairs()
	pairs.Mask.Control, pairs.Mask.Reliability, pairs.Mask.Buckets = mask.ControlTwoPass, mask.ReliabilityConfidence, 1
	pairs.Mask.Prob, pairs.Mask.Low, pairs.Mask.High, pairs.Mask.MaxWindow = 0.5, 0, 1, 20
	for name, c := range map[string]config.Config{
		"lm":      documents(t, fixture.WithMask(mask.FormInfill, mask.ControlTwoPass)),
		"seq2seq": pairs,
	} {
		t.Run(name, func(t *testing.T) {
			p, m := proberOf(t, c)
			planted := 0
			for step := 30; step < 36; step++ {
				s := sample{step: step, openness: 1}
				if leaks := probed(t, p, m, step,
					func(dst *mask.Plan) error { return p.replan(dst, s) }); len(leaks) > 0 {
					t.Fatal(leaks[0])
				}
				planted += len(probed(t, p, m, step, func(dst *mask.Plan) error { return unhidden(p, dst, s) }))
			}
			if planted == 0 {
				t.Error("a first look at hidden tokens is not found")
			}
		})
	}
}

// unhidden plans with a first pass over all tokens, hidden or not.
func unhidden(p *prober, dst *mask.Plan, s sample) error {
	var all, first mask.Plan
	rows, state := p.text.rows, p.masks.evenly(s.openness)
	p.planner.PlanStatic(&all, rows, s.step)
	p.first.Pass.Load(rows, &all)
	p.first.Pass.At(p.planner.Seed(), s.step, rows.First)
	p.first.Pass.Forward()
	out, err := p.first.Pass.Outputs()
	if err != nil {
		return err
	}
	p.planner.PlanFirst(&first, rows, s.step, state)
	p.planner.PlanTwoPass(dst, rows, s.step, state, &mask.FirstPass{Plan: &first, Out: out})
	return nil
}
