package train

import (
	"math"
	"time"

	"dmtrain/internal/batch"
	"dmtrain/internal/graph"
	"dmtrain/internal/kernels"
	"dmtrain/internal/mask"
	"dmtrain/internal/model"
	"dmtrain/internal/optim"
	"dmtrain/internal/task"
	"dmtrain/internal/tokenizer"
)

// stepper takes optimiser steps. It knows nothing of runs, files or evaluation.
type stepper struct {
	seed      uint64
	certify   bool
	measure   bool // record the visible share of plans
	tileQ     int  // size of the device's attention tiles, for measure
	tileS     int
	be        kernels.Backend
	planner   *mask.Planner
	control   *mask.Controller
	opt       *optim.AdamW
	average   *optim.Average // of the parameters; nil without train.ema
	schedule  optim.Schedule
	model     *model.Model
	rows      task.Rows
	shapes    [][]*microBatch // by shape of step, then in the order of their rows
	arena     *graph.Arena    // of all passes: they run one after another
	hooks     Hooks
	tokenizer tokenizer.Tokenizer // for the hooks
	micro     []*microBatch       // of the step being taken
	weight    float64             // of the step in the gradient; 1 if all steps have equally many tokens
	stats     *mask.Stats
	spent     spent
	stop      func() error // called between micro-batches; its error abandons the step
}

// spent is the time that masks took.
type spent struct {
	plan    time.Duration // filling batches, planning and certifying
	certify time.Duration // the part of plan spent on certifying
}

// microBatch is the rows of one pass, with their plan.
type microBatch struct {
	rows  *batch.Batch
	plan  mask.Plan
	pass  *model.Pass
	first *model.FirstLook // first pass of control two_pass; nil for the others
}

// result is the outcome of a step.
type result struct {
	Loss       float64 // nats per supervised token
	LR         float64
	GradNorm   float64 // before clipping
	Supervised int
	Skipped    bool // loss or gradient was not finite, or nothing was supervised: the parameters are as before
}

// step takes one step. An error means that the run can't go on. A loss or gradient that is not finite is no error:
// the step is Skipped.
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
	if s.average != nil {
		s.average.Update(s.opt.Taken)
	}
	s.control.Observe(s.stats)
	return r, nil
}

// plan fills the step's batches and plans and certifies their masks, before any of them is computed.
func (s *stepper) plan(step int, r *result) error {
	defer func(start time.Time) { s.spent.plan += time.Since(start) }(time.Now())
	state := s.control.At(step)
	shape, _, weight := s.rows.Layout(step)
	s.micro, s.weight = s.shapes[shape], weight
	for _, m := range s.micro {
		s.rows.Fill(m.rows, step)
		s.planner.RepeatEnds(m.rows, step)
		if err := m.first.Plan(&m.plan, s.planner, m.rows, step, state); err != nil {
			return err
		}
		if s.hooks.Planned != nil {
			s.hooks.Planned(s.hooked(m, mask.Outputs{}))
		}
		if err := s.check(&m.plan); err != nil {
			return err
		}
		r.Supervised += m.plan.Supervised
	}
	return nil
}

// check certifies a plan, unless mask.certify is off.
func (s *stepper) check(p *mask.Plan) error {
	if !s.certify {
		return nil
	}
	defer func(start time.Time) { s.spent.certify += time.Since(start) }(time.Now())
	return p.Certify()
}

// gradients runs every micro-batch forwards and backwards. The loss is the mean over the whole step. The gradient is
// that of the mean times the step's weight, so that every token of a run has the same weight, whichever step it is in.
// A micro-batch is uploaded while the one before it is computed.
func (s *stepper) gradients(step int, r *result) error {
	s.stats.Begin(step)
	sum := 0.0
	for i, m := range s.micro {
		if err := s.stop(); err != nil {
			return err
		}
		if i == 0 {
			m.load()
		}
		m.run(s.seed, step, float64(r.Supervised)/s.weight)
		if i+1 < len(s.micro) {
			s.micro[i+1].load()
		}
		nll, err := s.observe(m)
		if err != nil {
			return err
		}
		sum += nll
	}
	r.Loss = sum / float64(max(r.Supervised, 1))
	return nil
}

// load uploads the micro-batch and its plan.
func (m *microBatch) load() { m.pass.Load(m.rows, &m.plan) }

// run adds the loaded micro-batch's gradients; supervised is the number of tokens that the loss is averaged over.
func (m *microBatch) run(seed uint64, step int, supervised float64) {
	m.pass.Supervised(supervised)
	m.pass.At(seed, step, m.rows.First)
	m.pass.Forward()
	m.pass.Backward()
}

// observe waits for a micro-batch and adds its outputs to the step's statistics. It returns the sum of its losses, in
// nats.
func (s *stepper) observe(m *microBatch) (nll float64, err error) {
	out, err := m.pass.Outputs()
	if err != nil {
		return 0, err
	}
	for _, v := range out.NLL {
		nll += float64(v)
	}
	if s.hooks.Scored != nil {
		if err := s.hooks.Scored(s.hooked(m, out)); err != nil {
			return 0, err
		}
	}
	s.stats.Add(&m.plan, m.rows, out)
	if s.measure {
		s.stats.Measure(&m.plan, s.tileQ, s.tileS)
	}
	return nll, nil
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
