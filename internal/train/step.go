package train

import (
	"math"
	"time"

	"dmtrain/internal/kernels"
	"dmtrain/internal/mask"
	"dmtrain/internal/model"
	"dmtrain/internal/optim"
)

// stepper takes optimiser steps. It knows nothing of runs, files or evaluation.
type stepper struct {
	seed     uint64
	certify  bool
	measure  bool // what plans let be seen
	tileQ    int  // the device's attention tiles, for that
	tileS    int
	be       kernels.Backend
	model    *model.Decoder
	pass     *model.Pass
	first    *firstPass // control two_pass only
	planner  *mask.Planner
	control  *mask.Controller
	opt      *optim.AdamW
	schedule optim.Schedule
	fill     func(rows *mask.Rows, step int) // lays out the text of a micro-batch
	micro    []micro
	out      outputs
	stats    *mask.Stats
	spent    spent
}

// spent is the time that went into masks.
type spent struct {
	plan    time.Duration // laying out text, planning and certifying
	certify time.Duration // of that, certifying
}

// micro is one micro-batch: its text and its plan.
type micro struct {
	rows *mask.Rows
	plan mask.Plan
}

// result is what a step showed.
type result struct {
	Loss       float64 // nats per supervised token
	LR         float64
	GradNorm   float64 // before clipping
	Supervised int
	Skipped    bool // loss or gradient was not finite, or nothing was supervised: the parameters are as before
}

// step takes one step. An error means that the run can't go on; a step with a loss or gradient that is not finite is
// no error but Skipped.
func (s *stepper) step(step int) (result, error) {
	r := result{LR: s.schedule.At(step)}
	if err := s.plan(step, &r); err != nil {
		return r, err
	}
	s.model.Params.ZeroGrad()
	if err := s.gradients(step, &r); err != nil {
		return r, err
	}
	norm, err := s.opt.GradNorm()
	if err != nil {
		return r, err
	}
	r.GradNorm = norm
	if r.Supervised == 0 || !finite(r.Loss) || !finite(norm) {
		r.Skipped = true
		return r, nil
	}
	s.opt.Step(r.LR, norm)
	s.control.Observe(s.stats)
	return r, nil
}

// plan lays out the step's text and decides what every position may see, before any loss of it is known.
func (s *stepper) plan(step int, r *result) error {
	defer func(start time.Time) { s.spent.plan += time.Since(start) }(time.Now())
	state := s.control.At(step)
	for i := range s.micro {
		m := &s.micro[i]
		s.fill(m.rows, step)
		if s.first == nil {
			s.planner.Plan(&m.plan, m.rows, step, state)
		} else if err := s.first.plan(m, s.planner, step, state); err != nil {
			return err
		}
		if err := s.check(&m.plan); err != nil {
			return err
		}
		r.Supervised += m.plan.Supervised
	}
	return nil
}

// check refuses a plan that shows an output its own target.
func (s *stepper) check(p *mask.Plan) error {
	if !s.certify {
		return nil
	}
	defer func(start time.Time) { s.spent.certify += time.Since(start) }(time.Now())
	return p.Certify()
}

// gradients runs every micro-batch forwards and backwards, gathering losses and gradients of the whole step.
func (s *stepper) gradients(step int, r *result) error {
	s.pass.Supervised(r.Supervised)
	s.stats.Begin(step)
	sum := 0.0
	for i := range s.micro {
		m := &s.micro[i]
		s.pass.Load(m.rows.IDs, &m.plan)
		s.pass.At(s.seed, step, m.rows.First)
		s.pass.Forward()
		s.pass.Backward()
		if err := s.out.download(s.be, s.pass); err != nil {
			return err
		}
		for _, nll := range s.out.NLL {
			sum += float64(nll)
		}
		s.stats.Add(&m.plan, m.rows, s.out.Outputs)
		if s.measure {
			s.stats.Measure(&m.plan, s.tileQ, s.tileS)
		}
	}
	r.Loss = sum / float64(max(r.Supervised, 1))
	return nil
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
