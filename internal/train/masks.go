package train

import (
	"math"
	"slices"

	"dmtrain/internal/batch"
	"dmtrain/internal/config"
	"dmtrain/internal/data"
	"dmtrain/internal/mask"
	"dmtrain/internal/recipe"
	"dmtrain/internal/tokenizer"
)

// Masks lays out a configuration's text and plans its masks without training anything: for pictures and checks. Its plans are
// those that a run would train on.
type Masks struct {
	Tokenizer tokenizer.Tokenizer
	Warnings  []string // about the text

	config  config.Config
	set     *data.Set    // of task lm
	loader  *data.Loader // likewise
	pairs   *data.Pairs  // of task seq2seq
	run     mask.Run
	planner *mask.Planner
	control *mask.Controller

	pairLoader *data.PairLoader // of task seq2seq
}

// OpenMasks reads the configured text. Close gives it back.
func OpenMasks(c config.Config) (*Masks, error) {
	if c.Task == config.TaskPairs {
		return openPairMasks(c)
	}
	yoke, err := recipe.Yoke(c.Mask)
	if err != nil {
		return nil, err
	}
	set, err := data.Open(c.Data, data.Options{})
	if err != nil {
		return nil, err
	}
	m := &Masks{Tokenizer: set.Tokenizer, Warnings: set.Warnings, config: c, set: set, loader: data.NewLoader(set.Train, c.Run.Seed),
		run: recipe.MaskRun(c, textOf(set.Tokenizer, set.UnigramEntropy), yoke)}
	if err := m.build(); err != nil {
		set.Close()
		return nil, err
	}
	return m, nil
}

func (m *Masks) build() (err error) {
	if m.planner, err = mask.NewPlanner(m.config.Mask, m.config.Run.Seed, m.run); err != nil {
		return err
	}
	m.control, err = mask.NewController(m.config.Mask, m.run)
	return err
}

// Close gives the text back.
func (m *Masks) Close() error {
	if m.set == nil {
		return nil
	}
	return m.set.Close()
}

// Config is the mask section with every "0 = default" filled in.
func (m *Masks) Config() mask.Config { return m.planner.Config() }

// Openness is u by bucket as the control has it at a step. Controls that follow what a run shows can't tell without the run:
// then it is 1, fully open, and known is false.
func (m *Masks) Openness(step int) (u []float64, known bool) {
	for _, b := range m.control.At(step).Buckets {
		u = append(u, b.Openness)
	}
	switch m.Config().Control {
	case mask.ControlAdaptive, mask.ControlInverse, mask.ControlTwoPass:
		for i := range u {
			u[i] = 1
		}
		return u, false
	}
	return u, true
}

// Lay fills rows of task lm with the text they hold at a step, from row rows.First on.
func (m *Masks) Lay(rows *batch.Batch, step int) {
	m.loader.Fill(rows, step)
	m.planner.RepeatEnds(rows, step)
}

// Plan plans rows for a step at an openness by bucket. Under control two_pass, where every slot has its own, all are planned as if
// the first pass had been equally sure of every token: so sure that the windows open so far.
func (m *Masks) Plan(dst *mask.Plan, rows *batch.Batch, step int, openness []float64) {
	s := m.state(openness)
	if m.Config().Control != mask.ControlTwoPass {
		m.planner.Plan(dst, rows, step, s)
		return
	}
	var first mask.Plan
	m.planner.PlanFirst(&first, rows, step, s)
	out := evenlySure(m.Config(), m.run.Vocab, len(rows.IDs), openness[0])
	m.planner.PlanTwoPass(dst, rows, step, s, &mask.FirstPass{Plan: &first, Out: out})
}

// evenly is a controller's state at one openness.
func (m *Masks) evenly(openness float64) mask.State {
	return m.state(slices.Repeat([]float64{openness}, m.Config().Buckets))
}

// state is a controller's at an openness by bucket.
func (m *Masks) state(openness []float64) mask.State {
	s := mask.State{Buckets: make([]mask.Bucket, len(openness)), Entropy: m.run.Entropy}
	for i, u := range openness {
		s.Buckets[i].Openness = u
	}
	return s
}

// evenlySure is what a first pass over n tokens would say that makes two_pass open every slot to u.
func evenlySure(c mask.Config, vocab, n int, u float64) mask.Outputs {
	r := c.Low + u*(c.High-c.Low)
	chance := 1 / float64(vocab)
	return mask.Outputs{
		Conf:    filled(n, chance+r*(1-chance)),
		Entropy: filled(n, (1-r)*math.Log(float64(vocab))),
		Margin:  filled(n, r),
	}
}

func filled(n int, v float64) []float32 {
	s := make([]float32, n)
	for i := range s {
		s[i] = float32(v)
	}
	return s
}

// Seen is how much of a plan's pairs is visible, and of those whose key comes after the query.
func Seen(p *mask.Plan) (visible, ahead float64) {
	v, a := 0, 0
	for b := range p.B {
		for i := range p.T {
			for j := range p.T {
				if p.Mask.Visible(b, i, j) {
					v++
					if j > i {
						a++
					}
				}
			}
		}
	}
	pairs := p.B * p.T * p.T
	return float64(v) / float64(pairs), float64(a) / float64(max(p.B*p.T*(p.T-1)/2, 1))
}
