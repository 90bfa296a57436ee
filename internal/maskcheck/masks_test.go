package maskcheck

import (
	"context"
	"encoding/json"
	"reflect"
	"slices"
	"testing"

	"dmtrain/internal/batch"
	"dmtrain/internal/config"
	"dmtrain/internal/mask"
	"dmtrain/internal/model"
	"dmtrain/internal/task/fixture"
	"dmtrain/internal/task/tasks"
)

func masksOf(t *testing.T, c config.Config) *Masks {
	t.Helper()
	m, err := Open(c, tasks.All())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

// Under control two_pass, an openness corresponds to equal confidence in the first pass, whatever measures reliability.
func TestMasksOfTwoPassOpen(t *testing.T) {
	for _, measure := range []string{mask.ReliabilityConfidence, mask.ReliabilityEntropy, mask.ReliabilityMargin} {
		c := fixture.Story(fixture.WithMask(mask.FormInfill, mask.ControlTwoPass))
		c.Mask.Reliability, c.Mask.MaxWindow, c.Mask.Prob = measure, 8, 0.5
		m := masksOf(t, c)
		for _, u := range []float64{0, 0.5, 1} {
			rows := batch.New(4, c.Data.SeqLen)
			m.Fill(rows, 5)
			var p mask.Plan
			m.Plan(&p, rows, 5, []float64{u})
			if widest, want := int(slices.Max(p.Window)), int(8*u); widest != want {
				t.Errorf("%s, openness %v: the widest window is %d, want %d", measure, u, widest, want)
			}
		}
	}
}

func TestSeen(t *testing.T) {
	c := fixture.Story(fixture.Tiny())
	m := masksOf(t, c)
	rows := batch.New(1, c.Data.SeqLen)
	m.Fill(rows, 0)
	for i := range rows.Start {
		rows.Start[i], rows.End[i] = 0, int32(rows.T)
	}
	var p mask.Plan
	m.Plan(&p, rows, 0, []float64{1})
	if visible, ahead := Seen(&p); visible != 136./256 || ahead != 0 {
		t.Errorf("of a causal row of 16, %v and %v are seen", visible, ahead)
	}
}

// All three methods find every structure, form and control sound, except look-ahead, which all three catch.
func TestCheckMasks(t *testing.T) {
	structures := []string{"causal", "full", "prefix", "window", "blocks", "sinks", "lookahead"}
	forms := [][2]string{{"none", "fixed"}, {"input", "linear"}, {"infill", "adaptive"}, {"infill", "two_pass"}}
	for _, structure := range structures {
		for _, form := range forms {
			if structure == "full" && form[0] == "none" {
				continue
			}
			t.Run(structure+" "+form[0]+" "+form[1], func(t *testing.T) {
				c := fixture.Story(fixture.WithMask(form[0], form[1]))
				c.Mask.Structure, c.Mask.Window, c.Mask.Sinks, c.Mask.Prob, c.Mask.MaxWindow = structure, 3, 1, 0.3, 6
				c.Mask.Fill = mask.FillLearned
				r, err := Check(context.Background(), c, tasks.All(), Options{Rows: 4})
				if err != nil {
					t.Fatal(err)
				}
				leaks := structure == "lookahead"
				if r.Sound == leaks || len(r.Plans) < checkSteps {
					t.Errorf("sound: %v, by %d plans", r.Sound, len(r.Plans))
				}
				anchors, open := 0, 0.0
				for _, p := range r.Plans {
					anchors += p.Anchors
					open += p.Openness
					for _, v := range []Verdict{p.Certificate, p.Closure, p.Probe} {
						if v.Sound == leaks || v.Sound != (v.First == nil) {
							t.Errorf("step %d, openness %v: %+v", p.Step, p.Openness, v)
						}
					}
					if leaks && (p.Closure.Leaks != p.Probe.Leaks ||
						!reflect.DeepEqual(p.Closure.First.Path, p.Probe.First.Path)) {
						t.Errorf("step %d: the closure finds %+v, the probe %+v", p.Step, p.Closure, p.Probe)
					}
				}
				if anchors == 0 || open == 0 {
					t.Errorf("%d anchor rows, openness %v in all", anchors, open)
				}
			})
		}
	}
}

// If probing every position takes too long, some are probed, among them a leak that other methods found.
func TestCheckProbesTheCounterExample(t *testing.T) {
	p := &prober{probed: 3, pass: &model.Pass{PassOptions: model.PassOptions{T: 16}}}
	for n := range 40 {
		at := p.positions(n, &mask.Leak{Answer: n % 16})
		if len(at) != 3 || !slices.Contains(at, n%16) || at[0] == at[1] || at[1] == at[2] || at[0] == at[2] {
			t.Errorf("plan %d probes %v", n, at)
		}
	}
}

// Repeating a check gives the same bytes.
func TestCheckRepeats(t *testing.T) {
	c := fixture.Story(fixture.WithMask(mask.FormInfill, mask.ControlAdaptive))
	var first []byte
	for range 2 {
		r, err := Check(context.Background(), c, tasks.All(), Options{Rows: 2, Layers: 3})
		if err != nil {
			t.Fatal(err)
		}
		if r.Layers != 3 || r.Model.Layers != 3 {
			t.Errorf("%d layers, %d of the model, want 3", r.Layers, r.Model.Layers)
		}
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		if first != nil && !slices.Equal(text, first) {
			t.Errorf("first %s\nthen %s", first, text)
		}
		first = text
	}
}
