package mask

import (
	"errors"
	"fmt"
	"math"
)

// Controller moves openness from step to step. The order of calls is the guard against the side channel of a mask
// made from its own batch's losses: At(step) gives the State for planning a step, Observe brings what the step showed,
// and after it no plan for that step can be made.
type Controller struct {
	cfg     Config
	form    form
	control control
	run     Run
	state   State

	planned []float64 // openness by bucket at the last At
}

// NewController starts a controller at the static mask. The error lists everything wrong with cfg.
func NewController(cfg Config, run Run) (*Controller, error) {
	if err := cfg.valid(); err != nil {
		return nil, err
	}
	c := &Controller{cfg: cfg.resolve(run), form: formOf(cfg.Form), control: controlOf(cfg.Control), run: run}
	c.state = State{Buckets: make([]Bucket, cfg.Buckets), Entropy: run.Entropy}
	c.planned = make([]float64, cfg.Buckets)
	return c, c.fit()
}

// fit checks what only the run can tell.
func (c *Controller) fit() error {
	if c.cfg.measures() && c.cfg.Reliability == ReliabilitySkill && !(c.state.Entropy > 0) {
		return errors.New("mask.reliability: skill compares with the training tokens' unigram entropy, which is 0 " +
			"here: they are all alike")
	}
	if c.cfg.Control != ControlYoked {
		return nil
	}
	if c.run.Yoke == nil {
		return errors.New("mask.yoked_to: no openness to replay was given")
	}
	return c.run.Yoke.fits(c.cfg.Buckets)
}

// At is the state from which step is planned. It shares memory with the controller until the next At, Observe or
// Restore.
func (c *Controller) At(step int) State {
	if step < c.state.Next {
		panic("mask: a plan for a step already observed")
	}
	for i := range c.state.Buckets {
		b := &c.state.Buckets[i]
		if c.control.scheduled != nil {
			b.Openness = c.control.scheduled(c, step, i)
		}
		c.planned[i] = b.Openness
	}
	return c.state
}

// Snapshot is a copy of the state, for a checkpoint.
func (c *Controller) Snapshot() State {
	s := c.state
	s.Buckets = append([]Bucket(nil), s.Buckets...)
	return s
}

// Restore continues from a checkpoint's state.
func (c *Controller) Restore(s State) error {
	if len(s.Buckets) != c.cfg.Buckets {
		return fmt.Errorf("mask.buckets: the checkpoint's controller has %d, the configuration %d", len(s.Buckets),
			c.cfg.Buckets)
	}
	c.state = s
	c.state.Buckets = append([]Bucket(nil), s.Buckets...)
	return c.fit()
}

// Observe moves openness by what a step's anchor rows showed. It is called once a step, after the optimiser has
// taken it; a step whose loss was not finite is not observed.
func (c *Controller) Observe(s *Stats) {
	if s.step < c.state.Next {
		panic("mask: a step observed twice")
	}
	c.state.Next = s.step + 1
	if c.form.hides && c.cfg.Anchors == 0 { // no row to measure reliability on
		return
	}
	for i := range c.state.Buckets {
		c.update(&c.state.Buckets[i], &s.anchors[i], s.step)
	}
}

// update is one bucket's share of Observe. Products are rounded before they are added (no fused multiply-add), so that
// every machine moves the mask alike.
func (c *Controller) update(b *Bucket, t *tally, step int) {
	if t.tokens < c.cfg.MinTokens || !finite(t.mean(t.nll)) {
		c.state.Skipped++
		return
	}
	r := gauge{measure: c.cfg.Reliability, entropy: c.state.Entropy, vocab: c.run.Vocab}.reliability(t)
	if !finite(r) {
		c.state.Skipped++
		return
	}
	b.Mean = float64(c.cfg.Beta*b.Mean) + float64((1-c.cfg.Beta)*r)
	b.Count++
	if c.control.goal != nil {
		c.move(b, c.goal(b, step))
	}
}

// goal is the openness that a bucket's reliability asks for.
func (c *Controller) goal(b *Bucket, step int) float64 {
	g := 0.0
	if step >= c.cfg.Warmup {
		g = clip((b.Reliability(c.cfg.Beta)-c.cfg.Low)/(c.cfg.High-c.cfg.Low), 0, 1)
	}
	return c.control.goal(g)
}

func (c *Controller) move(b *Bucket, goal float64) {
	if d := goal - b.Openness; math.Abs(d) > c.cfg.Deadband {
		b.Openness += clip(d, -c.cfg.CloseRate, c.cfg.OpenRate)
	}
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
