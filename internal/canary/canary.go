package canary

import (
	"context"
	"fmt"
	"math"
	"time"

	"dmtrain/internal/config"
	"dmtrain/internal/task"
)

// Options configure a canary.
type Options struct {
	Config  config.Config
	Tasks   task.Table
	Minutes float64 // for both runs; used if Steps is 0
	Steps   int     // of each run; 0 = as many as Minutes allow
	Shape   *Shape  // of the random text; nil: like the configured text
}

// Verdicts of a report.
const (
	Sound    = "sound"
	Leaks    = "LEAK"
	TooShort = "too short to tell"
)

// Report is what `dmtrain mask canary` prints.
type Report struct {
	Verdict   string  `json:"verdict"` // sound, LEAK or too short to tell
	Structure string  `json:"structure"`
	Form      string  `json:"form"`
	Control   string  `json:"control"`
	Cross     string  `json:"cross,omitempty"` // task seq2seq
	Text      Shape   `json:"text"`
	SeqLen    int     `json:"seq_len"`
	Layers    int     `json:"layers"`
	Dim       int     `json:"dim"`
	Steps     int     `json:"steps"`
	Seconds   float64 `json:"seconds"`
	Classes   []Class `json:"classes"`
	First     *Class  `json:"first"` // the class furthest below its bound; null if none is
}

// Class compares the losses of a class of predictions with their lower bound.
type Class struct {
	Set      string   `json:"set"`   // train, valid, infill
	Kind     string   `json:"kind"`  // next, slot
	Class    string   `json:"class"` // all, first, …
	Targets  int      `json:"targets"`
	Rows     int      `json:"rows"`
	Loss     float64  `json:"loss"`   // nats a target
	Bound    float64  `json:"bound"`  // loss of the best possible predictor, nats a target
	D        float64  `json:"d"`      // loss − bound
	SE       float64  `json:"se"`     // standard error of D, by rows
	Proves   bool     `json:"proves"` // a D below 0 proves a leak
	Leak     bool     `json:"leak"`
	Revealed *float64 `json:"told,omitempty"`    // nats a target that the positive control reveals
	Planted  *float64 `json:"planted,omitempty"` // D of the positive control
	Detects  *float64 `json:"sees,omitempty"`    // the smallest leak that would have been found, nats a target
}

// Error reports a leak.
type Error struct{ Class Class }

func (e *Error) Error() string {
	c := e.Class
	return fmt.Sprintf("the masks leak: on random text the loss of %s, %s, %s is %.4f nats a target, and %.4f is "+
		"the least that can be without a leak (%.4f ± %.4f)",
		c.Set, c.Kind, c.Class, c.Loss, c.Bound, c.D, c.SE)
}

// What makes a class a leak: its mean lies so many standard errors and nats below the bound, over so many targets and
// rows.
const (
	errorsBelow = 4
	minLeak     = 5e-4
	minTargets  = 100
	minRows     = 30
)

// Run trains on random text. If that finds no leak, it trains again with a planted one, as the positive control.
func Run(ctx context.Context, o Options) (*Report, error) {
	began := time.Now()
	shape, err := o.shape()
	if err != nil {
		return nil, err
	}
	if o.Steps == 0 {
		if o.Steps, err = o.steps(ctx, shape); err != nil {
			return nil, err
		}
	}
	main := newRun(o, shape, o.Steps, nil)
	if err := main.train(ctx); err != nil {
		return nil, err
	}
	r := main.report(shape)
	if r.First == nil {
		control := newRun(o, shape, o.Steps, positiveControl())
		if err := control.train(ctx); err != nil {
			return nil, err
		}
		r.compare(control)
	}
	r.Seconds = time.Since(began).Seconds()
	return r, nil
}

// pairs says whether the text must be pairs of a source and a target.
func (o Options) pairs() bool { return o.Tasks.Must(o.Config).Model(o.Config, 2).Encoder }

func (o Options) shape() (Shape, error) {
	if o.Shape != nil {
		return *o.Shape, nil
	}
	return measure(o.Config, o.pairs())
}

// paceSteps are taken to time a step. A run has at least MinSteps steps, and from minTimedSteps to maxTimedSteps if
// its time is given instead.
const (
	paceSteps     = 30
	MinSteps      = 8
	minTimedSteps = 100
	maxTimedSteps = 8000
)

// trainingShare of the time goes into training; the rest into text and evaluations.
const trainingShare = 0.8

// steps is the number of steps that each run has time for.
func (o Options) steps(ctx context.Context, shape Shape) (int, error) {
	began := time.Now()
	timed := newRun(o, shape, paceSteps, nil)
	if err := timed.train(ctx); err != nil {
		return 0, err
	}
	left := time.Duration(o.Minutes*float64(time.Minute)) - time.Since(began)
	n := float64(left) * trainingShare / 2 / float64(max(timed.pace(), time.Microsecond))
	return int(min(max(n, minTimedSteps), maxTimedSteps)), nil
}

func (r *run) report(shape Shape) *Report {
	m := r.config.Mask
	shape.Mean, shape.Source = r.text.documents.mean, r.text.sources.mean
	if shape.Documents == Single {
		shape.Mean = 0
	}
	report := &Report{
		Verdict:   Sound,
		Structure: m.Structure,
		Form:      m.Form,
		Control:   m.Control,
		Text:      shape,
		SeqLen:    r.config.Data.SeqLen,
		Layers:    r.config.Model.Layers,
		Dim:       r.config.Model.Dim,
		Steps:     r.config.Train.Steps,
		Classes:   []Class{},
	}
	if r.text.pairs {
		report.Cross = m.Cross
	}
	for _, k := range r.tally.keys() {
		if r.tally.sums[k].rows < 2 {
			continue // a standard error needs two rows
		}
		report.Classes = append(report.Classes, r.tally.class(k))
	}
	worst := 0.0
	for i := range report.Classes {
		if c := &report.Classes[i]; c.Leak && c.D/c.SE < worst {
			report.Verdict, report.First, worst = Leaks, c, c.D/c.SE
		}
	}
	return report
}

// class sums up one class.
func (t *tally) class(k key) Class {
	s := t.sums[k]
	d, se := s.mean()
	n := float64(s.targets)
	c := Class{
		Set:     k.set,
		Kind:    k.kind,
		Class:   k.class,
		Targets: s.targets,
		Rows:    s.rows,
		Loss:    s.nll / n,
		Bound:   s.bound / n,
		D:       d,
		SE:      se,
		Proves:  proves(k.class),
	}
	c.Leak = c.Proves && s.targets >= minTargets && s.rows >= minRows && d < -errorsBelow*se && d < -minLeak
	return c
}

// compare adds the results of the positive control. The verdict stays sound only if its leak was found in every kind
// of prediction.
func (r *Report) compare(control *run) {
	found := true
	for i := range r.Classes {
		c := &r.Classes[i]
		k := key{c.Set, c.Kind, c.Class}
		if c.Set != task.BatchTrain || c.Class != classAll || control.tally.sums[k] == nil {
			continue
		}
		p, revealed := control.tally.class(k), control.revealed[c.Kind]
		c.Planted, c.Revealed = &p.D, &revealed
		if moved := c.D - p.D; moved > 0 {
			detects := revealed * (max(c.D, 0) + errorsBelow*c.SE) / moved
			if !math.IsInf(detects, 0) && !math.IsNaN(detects) {
				c.Detects = &detects
			}
		}
		found = found && p.Leak
	}
	if !found {
		r.Verdict = TooShort
	}
}
