package train

import (
	"math"
	"slices"
	"strings"

	"dmtrain/internal/batch"
	"dmtrain/internal/config"
	"dmtrain/internal/graph"
	"dmtrain/internal/kernels"
	"dmtrain/internal/mask"
	"dmtrain/internal/model"
	"dmtrain/internal/recipe"
	"dmtrain/internal/rng"
	"dmtrain/internal/tensor"
)

// ProbeModel is the model that the probe asks: random weights, as deep as asked and with heads as wide as the configuration's, since
// attention kernels depend on that; narrower in everything else, since masks don't.
type ProbeModel struct {
	Layers int    `json:"layers"`
	Heads  int    `json:"heads"`
	Dim    int    `json:"dim"`
	Vocab  int    `json:"vocab"`
	Device string `json:"device"`
}

// The probe's model, and how much arithmetic all probes of a check may take: seconds on a CPU.
const (
	probeHeads = 2
	probeVocab = 61
	probeFlops = 1e11
)

// minProbed is how many positions are probed at least, however dear.
const minProbed = 2

// prober asks a real model whether outputs depend on their answers.
type prober struct {
	be      kernels.Backend
	m       *model.Model
	pass    *model.Pass
	first   *firstPass // control two_pass only
	planner *mask.Planner
	text    *probeText
	now     mask.Plan
	masks   *Masks
	probed  int // positions of each plan
}

func newProber(be kernels.Backend, c config.Config, m *Masks, layers, rows, plans int) (_ *prober, err error) {
	shape := probeShape(c, m.run.Vocab, c.Data.SeqLen, layers)
	if be.Info().BFloat16 {
		shape.Precision = recipe.Precision(c)
	}
	p := &prober{be: be, masks: m}
	run := m.run
	run.Vocab, run.End = shape.Vocab, probeEnd(shape.Vocab, m.run.End)
	if p.planner, err = mask.NewPlanner(c.Mask, c.Run.Seed, run); err != nil {
		return nil, err
	}
	if p.m, err = model.New(be, shape, false); err != nil {
		return nil, err
	}
	randomise(p.m.Params)
	p.text = newProbeText(p.planner, shape.Vocab, run.End, batch.New(rows, c.Data.SeqLen))
	o := model.PassOptions{B: rows, T: c.Data.SeqLen, Hide: true, Second: p.planner.Tagged(), Logits: true}
	if p.pass, err = p.m.NewPass(o); err != nil {
		return nil, err
	}
	if c.Mask.Control == mask.ControlTwoPass {
		o.Logits = false
		if p.first, err = newFirstPass(be, p.m, o); err != nil {
			return nil, err
		}
	}
	perPass := float64(rows) * shape.Flops(0, c.Data.SeqLen) / 3 // forwards only
	p.probed = int(math.Min(math.Max(probeFlops/perPass/float64(plans), minProbed), float64(c.Data.SeqLen)))
	return p, nil
}

// probeShape is ProbeModel's for a configuration: so many positions and layers.
func probeShape(c config.Config, vocab, context, layers int) model.Config {
	heads := min(c.Model.Heads, probeHeads)
	shape := recipe.Model(c, max(min(vocab, probeVocab), 2))
	shape.Context, shape.Layers, shape.Heads, shape.Dim = context, layers, heads, c.Model.Dim/c.Model.Heads*heads
	shape.Precision = tensor.Float32
	return shape
}

func (p *prober) free() {
	if p.first != nil {
		p.first.lane.pass.Free()
	}
	p.pass.Free()
	p.m.Free()
}

func describe(m model.Config, be kernels.Backend) ProbeModel {
	return ProbeModel{Layers: m.Layers, Heads: m.Heads, Dim: m.Dim, Vocab: m.Vocab, Device: be.Info().Device()}
}

// embeddings are read by rows, not multiplied by all of them.
var embeddings = []string{"transformer.wte.weight", "transformer.wpe.weight", "shared.weight"}

// randomise draws weights under which nothing vanishes: every layer's outputs and attention scores have about unit size, so that
// each path through the model moves the logits.
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
	state := p.masks.evenly(s.openness)
	if p.first == nil {
		p.planner.Plan(dst, p.text.rows, s.step, state)
		return nil
	}
	m := micro{rows: p.text.rows, plan: *dst, state: state}
	err := p.first.plan(&m, p.planner, s.step)
	*dst = m.plan
	return err
}

// positions are those whose tokens the n-th plan's probe changes: all of them, or some spread evenly that differ from plan to plan,
// and that of a leak found by others.
func (p *prober) positions(n int, leak *mask.Leak) []int {
	t := p.pass.T
	var at []int
	for i := range p.probed {
		at = append(at, (i*t/p.probed+n)%t)
	}
	if leak != nil && !slices.Contains(at, leak.Answer) {
		at[0] = leak.Answer
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

// ask computes the logits of the text as it is laid out and planned now.
func (p *prober) ask(dst []float32) error {
	p.pass.Load(p.text.rows, &p.now)
	p.pass.At(p.planner.Seed(), p.now.Step, p.now.First)
	p.pass.Supervised(1)
	p.pass.Forward()
	return p.be.Download(dst, p.pass.Logits.Buffer())
}
