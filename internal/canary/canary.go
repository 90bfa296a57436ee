package canary

import (
	"context"
	"fmt"
	"math"
	"time"

	"dmtrain/internal/config"
	"dmtrain/internal/task"
)

// Options say how long a canary sings.
type Options struct {
	Config  config.Config
	Tasks   task.Table
	Minutes float64 // for both runs; read where Steps is 0
	Steps   int     // of each run; 0 = as many as there is time for
	Shape   *Shape  // of the text; nil: that of the configured one
}

// The verdicts.
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
	First     *Class  `json:"first"` // the worst class that beats its bound; null without one
}

// Class is how the losses of a class of predictions compare with the least that can be expected.
type Class struct {
	Set     string   `json:"set"`   // train, valid, infill
	Kind    string   `json:"kind"`  // next, slot
	Class   string   `json:"class"` // all, first, …
	Targets int      `json:"targets"`
	Rows    int      `json:"rows"`
	Loss    float64  `json:"loss"`  // nats a target
	Bound   float64  `json:"bound"` // the same of the best predictor there could be
	D       float64  `json:"d"`     // loss − bound
	SE      float64  `json:"se"`    // its standard error, by rows
	Proves  bool     `json:"proves"`
	Leak    bool     `json:"leak"`
	Told    *float64 `json:"told,omitempty"`    // nats a target that the positive control tells
	Planted *float64 `json:"planted,omitempty"` // D of the positive control
	Sees    *float64 `json:"sees,omitempty"`    // the least leak that would have been found, nats a target
}

// Error is that of a leak.
type Error struct{ Class Class }

func (e *Error) Error() string {
	c := e.Class
	return fmt.Sprintf("the masks leak: on random text the loss of %s, %s, %s is %.4f nats a target, and %.4f is "+
		"the least that can be without a leak (%.4f ± %.4f)",
		c.Set, c.Kind, c.Class, c.Loss, c.Bound, c.D, c.SE)
}

// How far below its bound a mean must lie to be called a leak, of how many predictions and rows.
const (
	errorsBelow  = 4
	leastLeak    = 5e-4
	leastTargets = 100
	leastRows    = 30
)

// Run trains on random text, and once more with a planted leak if that finds none.
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
	t := newTrial(o, shape, o.Steps, nil)
	if err := t.run(ctx); err != nil {
		return nil, err
	}
	r := t.report(shape)
	if r.First == nil {
		control := newTrial(o, shape, o.Steps, tell())
		if err := control.run(ctx); err != nil {
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

// Steps tried to find out how long they take, and the fewest and most of a run: asked for, and chosen.
const (
	triedSteps = 30
	LeastSteps = 8
	fewSteps   = 100
	mostSteps  = 8000
)

// share of the time that training may take: the rest goes into text and evaluations.
const share = 0.8

// steps is how many steps each run has time for.
func (o Options) steps(ctx context.Context, shape Shape) (int, error) {
	began := time.Now()
	t := newTrial(o, shape, triedSteps, nil)
	if err := t.run(ctx); err != nil {
		return 0, err
	}
	left := time.Duration(o.Minutes*float64(time.Minute)) - time.Since(began)
	n := float64(left) * share / 2 / float64(max(t.pace(), time.Microsecond))
	return int(min(max(n, fewSteps), mostSteps)), nil
}

func (t *trial) report(shape Shape) *Report {
	m := t.config.Mask
	shape.Mean, shape.Source = t.text.documents.mean, t.text.sources.mean
	if shape.Documents == Single {
		shape.Mean = 0
	}
	r := &Report{
		Verdict:   Sound,
		Structure: m.Structure,
		Form:      m.Form,
		Control:   m.Control,
		Text:      shape,
		SeqLen:    t.config.Data.SeqLen,
		Layers:    t.config.Model.Layers,
		Dim:       t.config.Model.Dim,
		Steps:     t.config.Train.Steps,
		Classes:   []Class{},
	}
	if t.text.pairs {
		r.Cross = m.Cross
	}
	for _, k := range t.tally.keys() {
		if t.tally.sums[k].rows < 2 {
			continue // no telling how much chance is in it
		}
		r.Classes = append(r.Classes, t.tally.class(k))
	}
	worst := 0.0
	for i := range r.Classes {
		if c := &r.Classes[i]; c.Leak && c.D/c.SE < worst {
			r.Verdict, r.First, worst = Leaks, c, c.D/c.SE
		}
	}
	return r
}

// class is the verdict on a class.
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
	c.Leak = c.Proves && s.targets >= leastTargets && s.rows >= leastRows && d < -errorsBelow*se && d < -leastLeak
	return c
}

// compare adds what the positive control showed: the verdict is sound only if its leaks were found, of every kind
// of prediction.
func (r *Report) compare(control *trial) {
	found := true
	for i := range r.Classes {
		c := &r.Classes[i]
		k := key{c.Set, c.Kind, c.Class}
		if c.Set != task.BatchTrain || c.Class != classAll || control.tally.sums[k] == nil {
			continue
		}
		p, told := control.tally.class(k), control.told[c.Kind]
		c.Planted, c.Told = &p.D, &told
		if moved := c.D - p.D; moved > 0 {
			sees := told * (max(c.D, 0) + errorsBelow*c.SE) / moved
			if !math.IsInf(sees, 0) && !math.IsNaN(sees) {
				c.Sees = &sees
			}
		}
		found = found && p.Leak
	}
	if !found {
		r.Verdict = TooShort
	}
}
