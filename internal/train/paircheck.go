package train

import (
	"context"
	"errors"
	"slices"

	"dmtrain/internal/backend"
	"dmtrain/internal/config"
	"dmtrain/internal/data"
	"dmtrain/internal/kernels"
	"dmtrain/internal/mask"
	"dmtrain/internal/model"
)

// pairChecker judges plans of task seq2seq: the targets' masks as a language model's, and what their outputs depend on of the source.
type pairChecker struct {
	*Masks
	layers int
	rows   *data.PairRows
	be     kernels.Backend
	model  *model.EncoderDecoder
	pass   *model.PairPass
	plan   mask.Plan
	sees   []int32
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
	r := &MaskCheck{Sound: true, Structure: mc.Structure, Form: mc.Form, Control: mc.Control, Cross: mc.Cross, SeqLen: k.rows.Target.T, Layers: k.layers,
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
	shape := model.EncoderDecoderConfig{CausalEncoder: c.Model.CausalEncoder, Config: probeShape(c, m.run.Vocab, max(s, t), k.layers)}
	var err error
	if k.model, err = model.NewEncoderDecoder(be, shape, false); err != nil {
		return nil, err
	}
	k.model.Init(1)
	k.pass, err = k.model.NewPass(model.PairOptions{B: o.Rows, S: s, T: t, Hide: true, Second: m.planner.Tagged(), Logits: true})
	if err != nil {
		k.model.Free()
		return nil, err
	}
	k.rows, k.sees = data.NewPairRows(o.Rows, s, t), make([]int32, o.Rows*t)
	return k, nil
}

func (k *pairChecker) free() {
	k.pass.Free()
	k.model.Free()
}

// check judges the n-th plan.
func (k *pairChecker) check(n int, s sample) (PlanCheck, error) {
	openness := slices.Repeat([]float64{s.openness}, k.Config().Buckets)
	k.lay(s.step)
	k.Plan(&k.plan, k.rows.Target, s.step, openness)
	k.planner.Sees(k.sees, &k.plan, k.rows.Len, k.state(openness))
	c := checker{Masks: k.Masks, layers: k.layers, plan: k.plan}
	p := PlanCheck{Step: s.step, Openness: s.openness, Rows: k.plan.B, Supervised: k.plan.Supervised}
	c.count(&p)
	p.Certificate, p.Closure = certified(k.plan.Certify()), c.closure()
	if p.Certificate.Sound {
		p.Certificate = certified(k.plan.CertifyCross(k.sees))
	}
	ids := k.rows.Target.IDs
	positions := spread(k.rows.Target.T, n)
	leaks, err := k.plan.ProbeAt(ids, k.model.Vocab, positions, func(dst []float32, ids []int32) error { return k.logits(dst, k.rows.Sources, ids) })
	if err != nil {
		return p, err
	}
	p.Probe, p.Probed = verdict(leaks), len(positions)
	unread, err := k.plan.ProbeSource(k.rows.Sources, k.rows.S, k.model.Vocab, spread(k.rows.S, n), k.sees,
		func(dst []float32, sources []int32) error { return k.logits(dst, sources, ids) })
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
	k.planner.RepeatEnds(k.rows.Target, step)
	v := int32(k.model.Vocab)
	for _, ids := range [][]int32{k.rows.Sources, k.rows.Target.IDs} {
		for n := range ids {
			ids[n] %= v
		}
	}
	for n, id := range k.rows.Target.Next {
		if id >= 0 {
			k.rows.Target.Next[n] = id % v
		}
	}
}

// spread is some of n positions, evenly, that differ from plan to plan.
func spread(n, plan int) (at []int) {
	some := min(n, probedPairs)
	for i := range some {
		at = append(at, (i*n/some+plan)%n)
	}
	return at
}

func (k *pairChecker) logits(dst []float32, sources, ids []int32) error {
	k.pass.Load(&model.Source{IDs: sources, Len: k.rows.Len}, ids, &k.plan, k.sees)
	k.pass.At(k.planner.Seed(), k.plan.Step, k.plan.First)
	k.pass.Supervised(1)
	k.pass.Forward()
	return k.be.Download(dst, k.pass.Logits.Buffer())
}
