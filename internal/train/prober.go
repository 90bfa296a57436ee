package train

import (
	"math"
	"slices"
	"strings"

	"dmtrain/internal/config"
	"dmtrain/internal/kernels"
	"dmtrain/internal/mask"
	"dmtrain/internal/model"
	"dmtrain/internal/rng"
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
	m       *model.Decoder
	pass    *model.Pass
	first   *firstPass // control two_pass only
	planner *mask.Planner
	now     mask.Plan
	masks   *Masks
	probed  int // positions of each plan
}

func newProber(be kernels.Backend, c config.Config, m *Masks, layers, rows, plans int) (_ *prober, err error) {
	shape := probeShape(c, m.run.Vocab, c.Data.SeqLen, layers)
	if be.Info().BFloat16 {
		shape.Precision = precision(c)
	}
	p := &prober{be: be, masks: m}
	run := m.run
	run.Vocab = shape.Vocab
	if p.planner, err = mask.NewPlanner(c.Mask, c.Run.Seed, run); err != nil {
		return nil, err
	}
	if p.m, err = model.NewDecoder(be, shape, false); err != nil {
		return nil, err
	}
	p.randomise()
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
	tokens := float64(rows * c.Data.SeqLen)
	perPass := tokens * shape.FlopsPerToken(p.m.Params.Count(), c.Data.SeqLen) / 3 // forwards only
	p.probed = int(math.Min(math.Max(probeFlops/perPass/float64(plans), minProbed), float64(c.Data.SeqLen)))
	return p, nil
}

// probeShape is ProbeModel's for a configuration: so many positions and layers.
func probeShape(c config.Config, vocab, context, layers int) model.Config {
	heads := min(c.Model.Heads, probeHeads)
	return model.Config{Vocab: max(min(vocab, probeVocab), 2), Context: context, Layers: layers, Heads: heads,
		Dim: c.Model.Dim / c.Model.Heads * heads, LearnedFill: modelConfig(c, 1).LearnedFill}
}

func (p *prober) free() {
	if p.first != nil {
		p.first.lane.pass.Free()
	}
	p.pass.Free()
	p.m.Params.Free()
}

func describe(m model.Config, be kernels.Backend) ProbeModel {
	return ProbeModel{Layers: m.Layers, Heads: m.Heads, Dim: m.Dim, Vocab: m.Vocab, Device: be.Info().Device()}
}

// randomise draws weights under which nothing vanishes: every layer's outputs and attention scores have about unit size, so that
// each path through the model moves the logits.
func (p *prober) randomise() {
	for _, w := range p.m.Params.All() {
		scale, mean := 0.1, 0.0
		switch {
		case len(w.Shape) == 2 && w.Name != "transformer.wte.weight" && w.Name != "transformer.wpe.weight":
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
		p.m.Params.Set(w, v)
	}
}

// narrow maps a text to the model's vocabulary. A mask knows nothing of tokens, so that changes no plan but two_pass's.
func (p *prober) narrow(rows *mask.Rows) {
	v := int32(p.m.Vocab)
	for n := range rows.IDs {
		rows.IDs[n] %= v
		if rows.Next[n] >= 0 {
			rows.Next[n] %= v
		}
	}
}

// replan plans rows whose tokens are ids: under control two_pass the model's own first look at them decides.
func (p *prober) replan(dst *mask.Plan, ids []int32, rows *mask.Rows, s sample) error {
	state := mask.State{Buckets: make([]mask.Bucket, p.masks.Config().Buckets), Entropy: p.masks.run.Entropy}
	for i := range state.Buckets {
		state.Buckets[i].Openness = s.openness
	}
	if p.first == nil {
		p.planner.Plan(dst, rows, s.step, state)
		return nil
	}
	changed := *rows
	changed.IDs = ids
	m := micro{rows: &changed, plan: *dst, state: state}
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

// run probes a plan. Under control two_pass every change of a token plans anew.
func (p *prober) run(plan *mask.Plan, rows *mask.Rows, s sample, positions []int) ([]*mask.Leak, error) {
	return plan.ProbeAt(rows.IDs, p.m.Vocab, positions, func(dst []float32, ids []int32) error {
		now := plan
		if p.first != nil {
			now = &p.now
			if err := p.replan(now, ids, rows, s); err != nil {
				return err
			}
		}
		p.pass.Load(ids, now)
		p.pass.At(p.planner.Seed(), now.Step, now.First)
		p.pass.Supervised(1)
		p.pass.Forward()
		return p.be.Download(dst, p.pass.Logits.Buffer())
	})
}
