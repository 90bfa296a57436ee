package maskcheck

import (
	"math"
	"slices"
	"strings"

	"dmtrain/internal/batch"
	"dmtrain/internal/graph"
	"dmtrain/internal/kernels"
	"dmtrain/internal/mask"
	"dmtrain/internal/model"
	"dmtrain/internal/rng"
	"dmtrain/internal/tensor"
)

// ProbeModel is the shape of the probe's model, whose weights are random. Its heads are as wide as the configured
// ones, since attention kernels depend on that; it is narrower in everything else, since masks don't.
type ProbeModel struct {
	Layers int    `json:"layers"`
	Heads  int    `json:"heads"`
	Dim    int    `json:"dim"`
	Vocab  int    `json:"vocab"`
	Device string `json:"device"`
}

func describe(m model.Config, be kernels.Backend) ProbeModel {
	return ProbeModel{
		Layers: m.Layers,
		Heads:  m.Heads,
		Dim:    m.Dim,
		Vocab:  m.Vocab,
		Device: be.Info().Device(),
	}
}

// Limits of the probe's model, and of the arithmetic of all probes of a check: seconds on a CPU.
const (
	probeHeads = 2
	probeVocab = 61
	probeFlops = 1e11
)

// minProbed is the smallest number of probed positions of a plan; maxSourceProbed the largest of a source.
const (
	minProbed       = 2
	maxSourceProbed = 8
)

// prober runs a real model to find outputs that depend on their answers.
type prober struct {
	be      kernels.Backend
	model   *model.Model
	pass    *model.Pass
	first   *model.FirstLook // first pass of control two_pass; nil for the others
	planner *mask.Planner    // for the model's vocabulary
	text    *probeText
	plan    mask.Plan // of the text as last filled
	masks   *Masks
	probed  int // positions probed in each plan
}

// newProber makes a prober for the given number of plans of batches shaped like one.
func newProber(be kernels.Backend, m *Masks, layers int, like *batch.Batch, plans int) (_ *prober, err error) {
	shape := m.probeShape(like, layers)
	if !be.Info().BFloat16 {
		shape.Precision = tensor.Float32
	}
	p := &prober{be: be, masks: m}
	run := m.run
	run.Vocab, run.End = shape.Vocab, probeEnd(shape.Vocab, m.run.End)
	if p.planner, err = mask.NewPlanner(m.config.Mask, m.config.Run.Seed, run); err != nil {
		return nil, err
	}
	if p.model, err = model.New(be, shape, false); err != nil {
		return nil, err
	}
	randomise(p.model.Params)
	p.text = newProbeText(p.planner, shape.Vocab, run.End, like)
	if err = p.record(like); err != nil {
		p.free()
		return nil, err
	}
	perPass := float64(like.B) * shape.Flops(p.pass.S, p.pass.T) / 3 // forwards only
	p.probed = int(math.Min(math.Max(probeFlops/perPass/float64(plans), minProbed), float64(like.T)))
	return p, nil
}

// record records the passes.
func (p *prober) record(like *batch.Batch) (err error) {
	o := model.PassOptions{
		B:          like.B,
		T:          like.T,
		Hide:       true,
		HideSource: p.masks.config.Mask.SourceProb > 0,
		Second:     p.planner.Tagged(),
		Logits:     true,
	}
	for _, s := range like.Sources {
		o.S = s.T
	}
	if p.pass, err = p.model.NewPass(o); err != nil {
		return err
	}
	if p.masks.config.Mask.FirstLook() {
		p.first, err = p.model.NewFirstLook(o)
	}
	return err
}

// probeShape is the shape of the probe's model for batches shaped like one.
func (m *Masks) probeShape(like *batch.Batch, layers int) model.Config {
	s := m.task.Model(m.config, max(min(m.run.Vocab, probeVocab), 2))
	heads := min(s.Heads, probeHeads)
	s.Dim, s.Heads, s.Layers, s.Context = s.Dim/s.Heads*heads, heads, layers, like.T
	for _, source := range like.Sources {
		s.Context = max(s.Context, source.T)
	}
	return s
}

func (p *prober) free() {
	if p.pass != nil {
		p.pass.Free()
	}
	p.first.Free()
	p.model.Free()
}

// embeddings are looked up, so their scale does not shrink with the number of rows.
var embeddings = []string{"transformer.wte.weight", "transformer.wpe.weight", "shared.weight"}

// randomise draws weights such that every layer's outputs and attention scores have about unit size, so that every
// path through the model affects the logits.
func randomise(params *graph.Params) {
	for _, w := range params.All() {
		scale, mean := 0.1, 0.0
		switch {
		case len(w.Shape) == 2 && !slices.Contains(embeddings, w.Name):
			scale = 1 / math.Sqrt(float64(w.Shape[0]))
		case len(w.Shape) == 2 || w.Name == model.FillParam:
			scale = 1
		case strings.HasSuffix(w.Name, ".weight"): // of a norm
			mean = 1
		}
		v := make([]float32, w.Shape.Elems())
		for i := range v {
			v[i] = float32(mean + float64(scale*rng.Normal(1, rng.Probe, 0, uint32(w.Index), uint32(i))))
		}
		params.Set(w, v)
	}
}

// replan plans the text as it is now. Under control two_pass the model's own first pass decides.
func (p *prober) replan(dst *mask.Plan, s sample) error {
	return p.first.Plan(dst, p.planner, p.text.rows, s.step, p.masks.evenly(s.openness))
}

// positions are those whose tokens the probe of the n-th plan changes: all, or some, evenly spread and different from
// plan to plan, including that of a leak found by the other methods.
func (p *prober) positions(n int, leak *mask.Leak) []int {
	at := spread(p.pass.T, p.probed, n)
	if leak != nil && leak.AnswerInRow() && !slices.Contains(at, leak.Answer) {
		at[0] = leak.Answer
	}
	return at
}

// spread picks some of n positions, evenly spaced and shifted from plan to plan.
func spread(n, some, plan int) (at []int) {
	for i := range some {
		at = append(at, (i*n/some+plan)%n)
	}
	return at
}

// try changes the text, plans it again and runs the model.
func (p *prober) try(s sample) mask.Try {
	return func(dst []float32, t int) (*mask.Plan, error) {
		p.text.fill(t)
		if err := p.replan(&p.plan, s); err != nil {
			return nil, err
		}
		return &p.plan, p.logits(dst)
	}
}

// sources probes a source of the n-th plan.
func (p *prober) sources(plan *mask.Plan, source, n int, s sample) ([]*mask.Leak, error) {
	p.text.fill(-1)
	at := spread(p.pass.S, min(p.probed, p.pass.S, maxSourceProbed), n)
	return plan.ProbeSource(p.text.rows, source, p.model.Vocab, at, func(dst []float32) error {
		if err := p.replan(&p.plan, s); err != nil {
			return err
		}
		return p.logits(dst)
	})
}

// logits runs the model on the current text under the current plan.
func (p *prober) logits(dst []float32) error {
	p.pass.Load(p.text.rows, &p.plan)
	p.pass.At(p.planner.Seed(), p.plan.Step, p.plan.First)
	p.pass.Supervised(1)
	p.pass.Forward()
	return p.be.Download(dst, p.pass.Logits.Buffer())
}
