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

// ProbeModel is the model that the probe asks: random weights, as deep as asked and with heads as wide as the
// configuration's, since attention kernels depend on that; narrower in everything else, since masks don't.
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

// The probe's model, and how much arithmetic all probes of a check may take: seconds on a CPU.
const (
	probeHeads = 2
	probeVocab = 61
	probeFlops = 1e11
)

// minProbed is how many positions are probed at least, however dear; maxSourceProbed how many of a source at most.
const (
	minProbed       = 2
	maxSourceProbed = 8
)

// prober asks a real model whether outputs depend on their answers.
type prober struct {
	be      kernels.Backend
	model   *model.Model
	pass    *model.Pass
	look    *model.FirstLook // control two_pass only
	planner *mask.Planner    // of the model's few tokens
	text    *probeText
	now     mask.Plan
	masks   *Masks
	probed  int // positions of each plan
}

// newProber asks about so many plans of batches like one.
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

// record makes the passes that are asked.
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
		p.look, err = p.model.NewFirstLook(o)
	}
	return err
}

// probeShape is ProbeModel's for batches like one.
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
	p.look.Free()
	p.model.Free()
}

// embeddings are read by rows, not multiplied by all of them.
var embeddings = []string{"transformer.wte.weight", "transformer.wpe.weight", "shared.weight"}

// randomise draws weights under which nothing vanishes: every layer's outputs and attention scores have about unit
// size, so that each path through the model moves the logits.
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

// plan plans the text as it is laid out: under control two_pass the model's own first look at it decides.
func (p *prober) plan(dst *mask.Plan, s sample) error {
	return p.look.Plan(dst, p.planner, p.text.rows, s.step, p.masks.evenly(s.openness))
}

// positions are those whose tokens the n-th plan's probe changes: all of them, or some spread evenly that differ
// from plan to plan, and that of a leak found by others.
func (p *prober) positions(n int, leak *mask.Leak) []int {
	at := spread(p.pass.T, p.probed, n)
	if leak != nil && leak.AnswerInRow() && !slices.Contains(at, leak.Answer) {
		at[0] = leak.Answer
	}
	return at
}

// spread is some of n places, evenly, that differ from plan to plan.
func spread(n, some, plan int) (at []int) {
	for i := range some {
		at = append(at, (i*n/some+plan)%n)
	}
	return at
}

// try lays the text out anew, plans it and asks the model.
func (p *prober) try(s sample) mask.Try {
	return func(dst []float32, t int) (*mask.Plan, error) {
		p.text.lay(t)
		if err := p.plan(&p.now, s); err != nil {
			return nil, err
		}
		return &p.now, p.ask(dst)
	}
}

// sources probes a source of the n-th plan.
func (p *prober) sources(plan *mask.Plan, source, n int, s sample) ([]*mask.Leak, error) {
	p.text.lay(-1)
	at := spread(p.pass.S, min(p.probed, p.pass.S, maxSourceProbed), n)
	return plan.ProbeSource(p.text.rows, source, p.model.Vocab, at, func(dst []float32) error {
		if err := p.plan(&p.now, s); err != nil {
			return err
		}
		return p.ask(dst)
	})
}

// ask computes the logits of the text as it is laid out and planned now.
func (p *prober) ask(dst []float32) error {
	p.pass.Load(p.text.rows, &p.now)
	p.pass.At(p.planner.Seed(), p.now.Step, p.now.First)
	p.pass.Supervised(1)
	p.pass.Forward()
	return p.be.Download(dst, p.pass.Logits.Buffer())
}
