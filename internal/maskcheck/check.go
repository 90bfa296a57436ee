package maskcheck

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"dmtrain/internal/backend"
	"dmtrain/internal/batch"
	"dmtrain/internal/config"
	"dmtrain/internal/kernels"
	"dmtrain/internal/mask"
	"dmtrain/internal/task"
)

// Options say how much of a configuration's masks to check.
type Options struct {
	Rows   int // rows of each plan; 0 = about checkTokens tokens
	Layers int // depth of closure and probe; 0 = model.layers
}

// Unless Options say how many, a checked plan has as many rows as make about checkTokens tokens, from minCheckRows to
// maxCheckRows.
const (
	checkTokens  = 1024
	minCheckRows = 2
	maxCheckRows = 8
)

// Check samples plans of a configuration's run, over its steps, rows and openness, and checks each by certificate,
// closure and probe. A leak is part of the report, not an error.
func Check(ctx context.Context, c config.Config, tasks task.Table, o Options) (_ *Report, err error) {
	m, err := Open(c, tasks)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, m.Close()) }()
	be, err := backend.Open(c.Device)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, be.Close()) }()
	samples := m.samples()
	k, err := newChecker(be, m, o, len(samples))
	if err != nil {
		return nil, err
	}
	defer k.probe.free()
	mc := m.Config()
	r := &Report{
		Sound:     true,
		Structure: mc.Structure,
		Form:      mc.Form,
		Control:   mc.Control,
		SeqLen:    k.rows.T,
		Layers:    k.layers,
		Model:     describe(k.probe.model.Config, be),
		Plans:     []PlanCheck{},
		Warnings:  append([]string{}, m.Warnings...),
	}
	if len(k.rows.Sources) > 0 {
		r.Cross = mc.Cross
	}
	return r, r.add(ctx, samples, k.check)
}

// add checks every sample and adds the results.
func (r *Report) add(ctx context.Context, samples []sample, check func(n int, s sample) (PlanCheck, error)) error {
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

// sample is a plan to check.
type sample struct {
	step     int
	openness float64
}

// checkSteps is the number of sampled steps.
const checkSteps = 5

// samples are plans at steps spread over the run. At each step there is a closed plan, a fully open one, and one in
// between: at the openness of the control, if it is known. Masks without openness have one plan a step.
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
	if !c.Hides() || c.FirstLook() {
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

// checker checks plans.
type checker struct {
	*Masks
	layers int
	rows   *batch.Batch // as the loader fills them
	plan   mask.Plan
	probe  *prober
}

// newChecker makes a checker for the given number of plans.
func newChecker(be kernels.Backend, m *Masks, o Options, plans int) (*checker, error) {
	k := &checker{Masks: m, layers: o.Layers}
	if k.layers == 0 {
		k.layers = m.config.Model.Layers
	}
	largest := m.largest()
	rows := o.Rows
	if rows == 0 {
		rows = min(max(checkTokens/largest.T, minCheckRows), maxCheckRows, largest.Rows)
	}
	k.rows = m.room(largest, rows)
	var err error
	k.probe, err = newProber(be, m, k.layers, k.rows, plans)
	return k, err
}

// largest is the smallest shape that holds the rows of every shape.
func (m *Masks) largest() (s task.Shape) {
	for _, shape := range m.text.Train.Shapes() {
		s = task.Shape{Rows: max(s.Rows, shape.Rows), S: max(s.S, shape.S), T: max(s.T, shape.T)}
	}
	return s
}

// check checks the n-th plan. Successive plans take successive rows of their steps.
func (k *checker) check(n int, s sample) (PlanCheck, error) {
	k.rows.First = n * k.rows.B % max(k.Height(s.step)-k.rows.B+1, 1)
	k.text.Train.Fill(k.rows, s.step)
	k.probe.text.take(k.rows, k.run.End, s.step)
	if err := k.probe.replan(&k.plan, s); err != nil {
		return PlanCheck{}, err
	}
	p := PlanCheck{
		Step:       s.step,
		Openness:   s.openness,
		FirstRow:   k.rows.First,
		Rows:       k.rows.B,
		Supervised: k.plan.Supervised,
	}
	k.count(&p)
	p.Certificate, p.Closure = certified(k.plan.Certify()), k.closure()
	positions := k.probe.positions(n, p.Leak())
	leaks, err := k.plan.ProbeAt(k.probe.model.Vocab, positions, k.probe.try(s))
	if err != nil {
		return p, err
	}
	p.Probe, p.Probed = verdict(leaks), len(positions)
	for i := range k.rows.Sources {
		leaks, err := k.probe.sources(&k.plan, i, n, s)
		if err != nil {
			return p, err
		}
		v := verdict(leaks)
		p.Source = &v
	}
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
	if c := k.Config(); c.FirstLook() {
		p.Openness = float64(window) / float64(max(p.Hidden*c.MaxWindow, 1))
	}
}

// certified is the verdict of the certificate.
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
