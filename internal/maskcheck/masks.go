// Package maskcheck plans a configuration's masks without training, to draw them and to check them by certificate,
// closure and probe. Its plans are those that a run would train on.
package maskcheck

import (
	"math"
	"slices"

	"dmtrain/internal/batch"
	"dmtrain/internal/config"
	"dmtrain/internal/mask"
	"dmtrain/internal/recipe"
	"dmtrain/internal/task"
	"dmtrain/internal/tokenizer"
)

// Masks fills batches with a configuration's text and plans their masks.
type Masks struct {
	Tokenizer tokenizer.Tokenizer
	Warnings  []string // about the text

	config  config.Config
	task    task.Task
	text    *task.Text
	run     mask.Run
	planner *mask.Planner
	control *mask.Controller
}

// Open opens the configured text. Close releases it.
func Open(c config.Config, tasks task.Table) (*Masks, error) {
	yoke, err := recipe.Yoke(c.Mask)
	if err != nil {
		return nil, err
	}
	k := tasks.Must(c)
	text, err := k.Open(c, task.Options{})
	if err != nil {
		return nil, err
	}
	m := &Masks{
		Tokenizer: text.Tokenizer,
		Warnings:  text.Warnings,
		config:    c,
		task:      k,
		text:      text,
		run:       recipe.MaskRun(c, text.Facts(), yoke),
	}
	if err := m.build(); err != nil {
		text.Close()
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

// Close releases the text.
func (m *Masks) Close() error { return m.text.Close() }

// Config is the mask section with every "0 = default" filled in.
func (m *Masks) Config() mask.Config { return m.planner.Config() }

// Openness is the control's openness by bucket at a step. If the control depends on a run's losses, it is 1 (fully
// open) and known is false.
func (m *Masks) Openness(step int) (u []float64, known bool) {
	for _, b := range m.control.At(step).Buckets {
		u = append(u, b.Openness)
	}
	if c := m.Config(); c.Follows() {
		for i := range u {
			u[i] = 1
		}
		return u, false
	}
	return u, true
}

// Height is the number of rows in a step.
func (m *Masks) Height(step int) int {
	_, rows, _ := m.text.Train.Layout(step)
	return rows
}

// Row is one row of a training step with its plan, as in a run.
type Row struct {
	*batch.Batch // of this row alone
	Plan         mask.Plan
}

// Row fills and plans one row of a step, at an openness by bucket.
func (m *Masks) Row(step, row int, openness []float64) *Row {
	shape, _, _ := m.text.Train.Layout(step)
	r := &Row{Batch: m.room(m.text.Train.Shapes()[shape], 1)}
	r.First = row
	m.Fill(r.Batch, step)
	m.Plan(&r.Plan, r.Batch, step, openness)
	return r
}

// room allocates rows of a shape, with room for repeated Ends.
func (m *Masks) room(s task.Shape, rows int) *batch.Batch {
	s.T = min(s.T+m.planner.EndRoom(), m.config.Data.SeqLen)
	return s.Batch(rows)
}

// Fill fills a batch with the text of a step, from row First on.
func (m *Masks) Fill(b *batch.Batch, step int) {
	m.text.Train.Fill(b, step)
	m.planner.RepeatEnds(b, step)
}

// Plan plans a batch for a step at an openness by bucket. Under control two_pass, where every slot has its own
// openness, it assumes a first pass with the same confidence everywhere: that which opens the windows so far.
func (m *Masks) Plan(dst *mask.Plan, b *batch.Batch, step int, openness []float64) {
	s := m.state(openness)
	if c := m.Config(); !c.FirstLook() {
		m.planner.Plan(dst, b, step, s)
		return
	}
	var first mask.Plan
	m.planner.PlanFirst(&first, b, step, s)
	out := evenlySure(m.Config(), m.run.Vocab, len(b.IDs), openness[0])
	m.planner.PlanTwoPass(dst, b, step, s, &mask.FirstPass{Plan: &first, Out: out})
}

// evenly is a controller's state with the same openness in every bucket.
func (m *Masks) evenly(openness float64) mask.State {
	return m.state(slices.Repeat([]float64{openness}, m.Config().Buckets))
}

// state is a controller's state at an openness by bucket.
func (m *Masks) state(openness []float64) mask.State {
	s := mask.State{Buckets: make([]mask.Bucket, len(openness)), Entropy: m.run.Entropy}
	for i, u := range openness {
		s.Buckets[i].Openness = u
	}
	return s
}

// evenlySure are the outputs of a first pass over n tokens that make two_pass open every slot to u.
func evenlySure(c mask.Config, vocab, n int, u float64) mask.Outputs {
	r := c.Low + u*(c.High-c.Low)
	chance := 1 / float64(vocab)
	return mask.Outputs{
		Conf:    slices.Repeat([]float32{float32(chance + r*(1-chance))}, n),
		Entropy: slices.Repeat([]float32{float32((1 - r) * math.Log(float64(vocab)))}, n),
		Margin:  slices.Repeat([]float32{float32(r)}, n),
	}
}

// Seen is the visible share of a plan's query–key pairs, and of those pairs whose key comes after the query.
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
