package train

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"dmtrain/internal/backend"
	"dmtrain/internal/batch"
	"dmtrain/internal/config"
	"dmtrain/internal/mask"
)

// CheckOptions say how much of a configuration's masks to check.
type CheckOptions struct {
	Rows   int // rows of each plan; 0 = about checkTokens tokens
	Layers int // how deep closure and probe look; 0 = model.layers
}

// checkTokens is about how many tokens a checked plan has unless its rows are given, within minCheckRows … maxCheckRows.
const (
	checkTokens  = 1024
	minCheckRows = 2
	maxCheckRows = 8
)

// MaskCheck is what `dmtrain mask check` prints.
type MaskCheck struct {
	Sound     bool        `json:"sound"`
	Structure string      `json:"structure"`
	Form      string      `json:"form"`
	Control   string      `json:"control"`
	Cross     string      `json:"cross,omitempty"` // task seq2seq
	SeqLen    int         `json:"seq_len"`
	Layers    int         `json:"layers"`
	Model     ProbeModel  `json:"model"`
	Plans     []PlanCheck `json:"plans"`
	Warnings  []string    `json:"warnings"`
}

// PlanCheck is what the three methods say of one plan.
type PlanCheck struct {
	Step       int     `json:"step"`
	Openness   float64 `json:"openness"` // two_pass: mean window of its slots over the largest
	FirstRow   int     `json:"first_row"`
	Rows       int     `json:"rows"`
	Anchors    int     `json:"anchors"` // rows under the static mask
	Hidden     int     `json:"hidden"`  // tokens
	Supervised int     `json:"supervised"`

	Certificate Verdict  `json:"certificate"` // stops at the first leak
	Closure     Verdict  `json:"closure"`
	Probe       Verdict  `json:"probe"`
	Probed      int      `json:"probed"`           // positions whose tokens the probe changed
	Source      *Verdict `json:"source,omitempty"` // task seq2seq: probe of source tokens that an output has not waited for
}

// Verdict is a method's word on a plan.
type Verdict struct {
	Sound bool       `json:"sound"`
	Leaks int        `json:"leaks"`
	First *mask.Leak `json:"first"` // by row, then position; null where there is none
}

// Leak is the first leak that any method found; nil where all find the plan sound.
func (p *PlanCheck) Leak() *mask.Leak {
	for _, v := range []Verdict{p.Certificate, p.Closure, p.Probe} {
		if v.First != nil {
			return v.First
		}
	}
	if p.Source != nil {
		return p.Source.First
	}
	return nil
}

// CheckMasks samples plans of a configuration's run, over its steps, rows and openness, and lets certificate, closure and probe
// judge each. Leaks are no error but a finding.
func CheckMasks(ctx context.Context, c config.Config, o CheckOptions) (_ *MaskCheck, err error) {
	if c.Task == config.TaskPairs {
		return checkPairMasks(ctx, c, o)
	}
	m, err := OpenMasks(c)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, m.Close()) }()
	be, err := backend.Open(c.Device)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, be.Close()) }()
	k := &checker{Masks: m, rows: batch.New(o.rows(c), c.Data.SeqLen)}
	if k.layers = o.Layers; k.layers == 0 {
		k.layers = c.Model.Layers
	}
	samples := m.samples()
	if k.probe, err = newProber(be, c, m, k.layers, k.rows.B, len(samples)); err != nil {
		return nil, err
	}
	defer k.probe.free()
	mc := m.Config()
	r := &MaskCheck{Sound: true, Structure: mc.Structure, Form: mc.Form, Control: mc.Control, SeqLen: c.Data.SeqLen, Layers: k.layers,
		Model: describe(k.probe.m.Config, be), Warnings: append([]string{}, m.Warnings...)}
	return r, r.judge(ctx, samples, k.check)
}

// judge lets check look at every sample, the n-th plan.
func (r *MaskCheck) judge(ctx context.Context, samples []sample, check func(n int, s sample) (PlanCheck, error)) error {
	for n, s := range samples {
		if err := ctx.Err(); err != nil {
			return err
		}
		p, err := check(n, s)
		if err != nil {
			return fmt.Errorf("step %d: %w", s.step, err)
		}
		r.Sound = r.Sound && p.Leak() == nil
		r.Plans = append(r.Plans, p)
	}
	return nil
}

func (o CheckOptions) rows(c config.Config) int {
	if o.Rows > 0 {
		return o.Rows
	}
	return min(max(checkTokens/c.Data.SeqLen, minCheckRows), maxCheckRows, max(c.Train.BatchSize, 1))
}

// sample is a plan to check.
type sample struct {
	step     int
	openness float64
}

// checkSteps is how many steps of a run are looked at.
const checkSteps = 5

// samples are plans at steps spread over the run: at each one closed, one fully open, and one in between or, where the control
// knows it, with the openness it will have. Where openness means nothing there is one.
func (m *Masks) samples() []sample {
	var all []sample
	last := m.run.Steps - 1
	for i := range checkSteps {
		step := last * i / (checkSteps - 1)
		if i > 0 && step == all[len(all)-1].step {
			continue
		}
		for _, u := range m.opennesses(i, step) {
			all = append(all, sample{step, u})
		}
	}
	return all
}

func (m *Masks) opennesses(i, step int) []float64 {
	c := m.Config()
	if c.Form == mask.FormNone || c.Control == mask.ControlTwoPass {
		return []float64{1}
	}
	between := float64(1+i%3) / 4
	if u, known := m.Openness(step); known {
		between = u[0]
	}
	us := []float64{0, between, 1}
	slices.Sort(us)
	return slices.Compact(us)
}

// checker judges plans.
type checker struct {
	*Masks
	layers int
	rows   *batch.Batch
	plan   mask.Plan
	probe  *prober
}

// check judges the n-th plan. Plans take turns in the rows of the batch.
func (k *checker) check(n int, s sample) (PlanCheck, error) {
	k.rows.First = n * k.rows.B % max(k.config.Train.BatchSize-k.rows.B+1, 1)
	k.loader.Fill(k.rows, s.step)
	k.probe.text.take(k.rows, k.run.End, s.step)
	if err := k.probe.plan(&k.plan, s); err != nil {
		return PlanCheck{}, err
	}
	p := PlanCheck{Step: s.step, Openness: s.openness, FirstRow: k.rows.First, Rows: k.rows.B, Supervised: k.plan.Supervised}
	k.count(&p)
	p.Certificate, p.Closure = certified(k.plan.Certify()), k.closure()
	positions := k.probe.positions(n, p.Leak())
	leaks, err := k.plan.ProbeAt(k.probe.m.Vocab, positions, k.probe.try(s))
	if err != nil {
		return p, err
	}
	p.Probe, p.Probed = verdict(leaks), len(positions)
	return p, nil
}

func (k *checker) count(p *PlanCheck) {
	for _, anchor := range k.plan.Anchor {
		if anchor {
			p.Anchors++
		}
	}
	window := 0
	for i, h := range k.plan.Hidden {
		p.Hidden += int(h)
		window += int(k.plan.Window[i])
	}
	if c := k.Config(); c.Control == mask.ControlTwoPass {
		p.Openness = float64(window) / float64(max(p.Hidden*c.MaxWindow, 1))
	}
}

// certified is a certificate's word.
func certified(err error) Verdict {
	var l *mask.Leak
	if errors.As(err, &l) {
		return verdict([]*mask.Leak{l})
	}
	return verdict(nil)
}

func (k *checker) closure() Verdict {
	var leaks []*mask.Leak
	for b := range k.plan.B {
		leaks = append(leaks, k.plan.Leaks(b, k.layers)...)
	}
	return verdict(leaks)
}

func verdict(leaks []*mask.Leak) Verdict {
	v := Verdict{Sound: len(leaks) == 0, Leaks: len(leaks)}
	for _, l := range leaks {
		if v.First == nil || l.Row < v.First.Row || l.Row == v.First.Row && l.Position < v.First.Position {
			v.First = l
		}
	}
	return v
}
