package train

import (
	"os"
	"path/filepath"
	"testing"

	"dmtrain/internal/batch"
	"dmtrain/internal/config"
	"dmtrain/internal/mask"
	"dmtrain/internal/rng"
)

// documents gives a configuration many short documents.
func documents(t *testing.T, c config.Config) config.Config {
	t.Helper()
	path := filepath.Join(t.TempDir(), "documents")
	if err := os.WriteFile(path, []byte(randomDocuments(1, 400)), 0o644); err != nil {
		t.Fatal(err)
	}
	c.Data.Train, c.Data.DocumentSeparator, c.Data.Tokenizer.Kind, c.Data.SeqLen = []string{path}, "|", "char", 32
	c.Mask.Prob, c.Mask.MaxWindow, c.Mask.Low, c.Mask.High = 0.5, 20, 0, 1
	return c
}

// probed probes every position of a step's rows.
func probed(t *testing.T, p *prober, m *Masks, step int, plan func(*mask.Plan) error) []*mask.Leak {
	t.Helper()
	rows := batch.New(p.pass.B, p.pass.T)
	m.loader.Fill(rows, step)
	p.text.take(rows, m.run.End, step)
	var base mask.Plan
	if err := plan(&base); err != nil {
		t.Fatal(err)
	}
	var all []int
	for i := range p.pass.T {
		all = append(all, i)
	}
	leaks, err := base.ProbeAt(p.m.Vocab, all, func(dst []float32, at int) (*mask.Plan, error) {
		p.text.lay(at)
		if err := plan(&p.now); err != nil {
			return nil, err
		}
		return &p.now, p.ask(dst)
	})
	if err != nil {
		t.Fatal(err)
	}
	return leaks
}

func proberOf(t *testing.T, c config.Config) (*prober, *Masks) {
	t.Helper()
	m := masksOf(t, c)
	p, err := newProber(openCPU(t, 2), c, m, 2, 4, 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.free)
	return p, m
}

// An End that is a slot, while its document's bound is made from it, is found: with a letter in its place the slot sees what is behind. The
// planner's own plans have no such slot, and pass.
func TestProbeFindsTheSlotThatIsABound(t *testing.T) {
	for _, structure := range []string{"causal", "window", "sinks"} {
		c := documents(t, withMask(mask.FormInfill, mask.ControlFixed))
		c.Mask.Structure, c.Mask.Window, c.Mask.Sinks = structure, 6, 2
		p, m := proberOf(t, c)
		for step := range 3 {
			own := func(dst *mask.Plan) error { return p.plan(dst, sample{step: step, openness: 1}) }
			if leaks := probed(t, p, m, step, own); len(leaks) > 0 {
				t.Fatal(structure, leaks[0])
			}
		}

		run := m.run
		run.End, run.Vocab = -1, p.m.Vocab
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
					if int(rows.Start[n]) < at && rng.Uniform(c.Run.Seed, rng.Hide, uint32(step), uint32(b), uint32(at)) < 0.5 {
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

// A first look at what is hidden in the second is found, in both tasks, and a first look at the rest is not.
func TestProbeFindsAFirstLookAtWhatIsHidden(t *testing.T) {
	p, m := proberOf(t, documents(t, withMask(mask.FormInfill, mask.ControlTwoPass)))
	own := func(dst *mask.Plan) error { return p.plan(dst, sample{step: 30, openness: 1}) }
	if leaks := probed(t, p, m, 30, own); len(leaks) > 0 {
		t.Fatal(leaks[0])
	}
	load := p.first.lane.load
	p.first.lane.load = func(b *batch.Batch, _ *mask.Plan) {
		var all mask.Plan
		p.planner.PlanStatic(&all, b, 30)
		load(b, &all)
	}
	if leaks := probed(t, p, m, 30, own); len(leaks) == 0 {
		t.Error("a first look at hidden tokens of a text is not found")
	}

	c := tinyPairs()
	c.Mask.Control, c.Mask.Reliability, c.Mask.Buckets, c.Mask.Prob = mask.ControlTwoPass, mask.ReliabilityConfidence, 1, 0.5
	c.Mask.Low, c.Mask.High, c.Mask.MaxWindow = 0, 1, 20
	masks, err := openPairMasks(c)
	if err != nil {
		t.Fatal(err)
	}
	k, err := newPairChecker(openCPU(t, 2), masks, CheckOptions{Rows: 6})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.free)
	check := func() (leaks int) {
		for n := range 6 {
			r, err := k.check(n, sample{step: 17 + n, openness: 1})
			if err != nil {
				t.Fatal(err)
			}
			leaks += r.Probe.Leaks
		}
		return leaks
	}
	if n := check(); n > 0 {
		t.Fatalf("%d leaks of pairs", n)
	}
	load = k.lane.first.lane.load
	k.lane.first.lane.load = func(b *batch.Batch, seen *mask.Plan) {
		var all mask.Plan
		k.planner.PlanStatic(&all, b, seen.Step)
		load(b, &all)
	}
	if check() == 0 {
		t.Error("a first look at hidden tokens of targets is not found")
	}
}
