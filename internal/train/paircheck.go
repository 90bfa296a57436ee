package train

import (
	"context"
	"errors"

	"dmtrain/internal/backend"
	"dmtrain/internal/batch"
	"dmtrain/internal/config"
	"dmtrain/internal/kernels"
	"dmtrain/internal/mask"
	"dmtrain/internal/model"
	"dmtrain/internal/recipe"
)

// pairChecker judges plans of task seq2seq: the targets' masks as a language model's, and what their outputs depend on of the source.
type pairChecker struct {
	*Masks
	layers  int
	rows    *batch.Batch // from the loader
	be      kernels.Backend
	model   *model.Model
	pass    *model.Pass
	lane    *lane
	planner *mask.Planner // of the probe's model
	text    *probeText
	micro   micro // as last tried
	plan    mask.Plan
}

// probedPairs is how many positions of a source and of a target each plan's probe changes.
const probedPairs = 8

// checkPairMasks is CheckMasks for task seq2seq.
func checkPairMasks(ctx context.Context, c config.Config, o CheckOptions) (_ *MaskCheck, err error) {
	m, err := openPairMasks(c)
	if err != nil {
		return nil, err
	}
	be, err := backend.Open(c.Device)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, be.Close()) }()
	k, err := newPairChecker(be, m, o)
	if err != nil {
		return nil, err
	}
	defer k.free()
	mc := m.Config()
	r := &MaskCheck{Sound: true, Structure: mc.Structure, Form: mc.Form, Control: mc.Control, Cross: mc.Cross, SeqLen: k.rows.T, Layers: k.layers,
		Model: describe(k.model.Config, be), Plans: []PlanCheck{}, Warnings: append([]string{}, m.Warnings...)}
	return r, r.judge(ctx, m.samples(), k.check)
}

func newPairChecker(be kernels.Backend, m *Masks, o CheckOptions) (*pairChecker, error) {
	c := m.config
	k := &pairChecker{Masks: m, be: be, layers: o.Layers}
	if k.layers == 0 {
		k.layers = c.Model.Layers
	}
	if o.Rows == 0 {
		o.Rows = maxCheckRows
	}
	s, t := 1, 1
	for _, shape := range k.pairLoader.Shapes() {
		s, t = max(s, shape.S), max(t, shape.T)
	}
	t = min(t+m.planner.EndRoom(), c.Data.SeqLen)
	shape := probeShape(c, m.run.Vocab, max(s, t), k.layers)
	if be.Info().BFloat16 {
		shape.Precision = recipe.Precision(c)
	}
	run := m.run
	run.Vocab, run.End = shape.Vocab, probeEnd(shape.Vocab, m.run.End)
	var err error
	if k.planner, err = mask.NewPlanner(c.Mask, c.Run.Seed, run); err != nil {
		return nil, err
	}
	if k.model, err = model.New(be, shape, false); err != nil {
		return nil, err
	}
	randomise(k.model.Params)
	if err = k.record(model.PassOptions{B: o.Rows, S: s, T: t, Hide: true, HideSource: c.Mask.SourceProb > 0, Second: m.planner.Tagged()}); err != nil {
		k.model.Free()
		return nil, err
	}
	k.rows = batch.New(o.Rows, t, s)
	k.text = newProbeText(k.planner, shape.Vocab, run.End, k.rows)
	k.micro = micro{rows: k.text.rows, lane: k.lane}
	return k, nil
}

// record makes the passes that are asked: the model's, and that of control two_pass's first look.
func (k *pairChecker) record(o model.PassOptions) (err error) {
	var first *firstPass
	if k.config.Mask.Control == mask.ControlTwoPass {
		first = &firstPass{be: k.be}
		if first.lane, err = pairLane(k.model, o); err != nil {
			return err
		}
	}
	o.Logits = true
	if k.lane, err = pairLane(k.model, o); err != nil {
		return err
	}
	k.pass, k.lane.first = k.lane.pass.(*model.Pass), first
	return nil
}

func (k *pairChecker) free() {
	if k.lane.first != nil {
		k.lane.first.lane.pass.Free()
	}
	k.pass.Free()
	k.model.Free()
}

// check judges the n-th plan.
func (k *pairChecker) check(n int, s sample) (PlanCheck, error) {
	k.lay(s.step)
	k.micro.state = k.evenly(s.openness)
	if err := k.replan(s.step); err != nil {
		return PlanCheck{}, err
	}
	k.plan, k.micro.plan = k.micro.plan, mask.Plan{}
	c := checker{Masks: k.Masks, layers: k.layers, plan: k.plan}
	p := PlanCheck{Step: s.step, Openness: s.openness, Rows: k.plan.B, Supervised: k.plan.Supervised}
	c.count(&p)
	p.Certificate, p.Closure = certified(k.plan.Certify()), c.closure()
	positions := spread(k.rows.T, n)
	leaks, err := k.plan.ProbeAt(k.model.Vocab, positions, func(dst []float32, t int) (*mask.Plan, error) {
		k.text.lay(t)
		return &k.micro.plan, k.logits(dst, s.step)
	})
	if err != nil {
		return p, err
	}
	p.Probe, p.Probed = verdict(leaks), len(positions)
	k.text.lay(-1)
	unread, err := k.plan.ProbeSource(k.text.rows, 0, k.model.Vocab, spread(k.rows.Sources[0].T, n),
		func(dst []float32) error { return k.logits(dst, s.step) })
	if err != nil {
		return p, err
	}
	v := verdict(unread)
	p.Source = &v
	return p, nil
}

// lay takes the pairs of a step, their tokens mapped to the probe's vocabulary.
func (k *pairChecker) lay(step int) {
	_, which := k.pairLoader.Batch(step)
	k.pairs.Fill(k.rows, which)
	k.text.take(k.rows, k.run.End, step)
}

// spread is some of n positions, evenly, that differ from plan to plan.
func spread(n, plan int) (at []int) {
	some := min(n, probedPairs)
	for i := range some {
		at = append(at, (i*n/some+plan)%n)
	}
	return at
}

// replan plans the text as it is laid out, after a first look where the control wants one.
func (k *pairChecker) replan(step int) error {
	if first := k.lane.first; first != nil {
		return first.plan(&k.micro, k.planner, step)
	}
	k.planner.Plan(&k.micro.plan, k.micro.rows, step, k.micro.state)
	return nil
}

// logits plans the text as it is laid out, and asks the model.
func (k *pairChecker) logits(dst []float32, step int) error {
	if err := k.replan(step); err != nil {
		return err
	}
	k.micro.load()
	k.pass.At(k.planner.Seed(), step, k.micro.plan.First)
	k.pass.Supervised(1)
	k.pass.Forward()
	return k.be.Download(dst, k.pass.Logits.Buffer())
}
