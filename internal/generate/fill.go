package generate

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"dmtrain/internal/batch"
	"dmtrain/internal/kernels"
	"dmtrain/internal/mask"
	"dmtrain/internal/model"
)

// FillOptions say how blanks are filled.
type FillOptions struct {
	Options
	Acceptance
	Length    int // tokens a blank stands for; 0: every length up to MaxLength is tried
	MaxLength int
}

// Check tells what is impossible about the settings.
func (o FillOptions) Check() error {
	if o.Length < 0 || o.Length == 0 && o.MaxLength < 1 {
		return errors.New("blank-tokens: is not 0 (any length) or more")
	}
	return errors.Join(o.Sampling.Check(), o.Acceptance.Check())
}

// noEnd is the End of what has a given length.
const noEnd = -1

// maxLogits bounds the logits that one pass over candidates keeps.
const maxLogits = 1 << 25

// Filler fills blanks of a model trained under form infill.
type Filler struct {
	be      kernels.Backend
	m       *model.Model
	planner *mask.Planner
}

// NewFiller is for a model trained under the given mask section.
func NewFiller(be kernels.Backend, m *model.Model, c mask.Config) (*Filler, error) {
	if !c.Slots() {
		return nil, fmt.Errorf("mask.form: this model was trained with form %s; only form infill teaches a model to "+
			"fill blanks and to decode in parallel", c.Form)
	}
	p, err := staticPlanner(m, c)
	return &Filler{be, m, p}, err
}

// Fill fills the blanks between parts, from left to right: each sees the text before it and the part after it. Where
// the length is open, the one is taken under which the model finds the text from the blank on most probable, read
// causally. The result is the whole text and the fills.
func (f *Filler) Fill(
	ctx context.Context, parts [][]int32, o FillOptions,
) (text []int32, fills [][]int32, r Rounds, err error) {
	text = append(text, parts[0]...)
	if len(text) == 0 {
		return nil, nil, r, errors.New("a blank needs at least one token before it")
	}
	for _, right := range parts[1:] {
		fill, err := f.blank(ctx, text, right, o, &r)
		if err != nil {
			return nil, nil, r, err
		}
		text = append(append(text, fill...), right...)
		fills = append(fills, fill)
		r.Tokens += len(fill)
	}
	return text, fills, r, nil
}

// blank fills one blank between left and right.
func (f *Filler) blank(ctx context.Context, left, right []int32, o FillOptions, r *Rounds) ([]int32, error) {
	shortest, longest := 1, o.MaxLength
	if o.Length > 0 {
		shortest, longest = o.Length, o.Length
	}
	// Unsigned: what a user asks for may be the largest number there is.
	if total := uint64(len(left)+len(right)) + uint64(longest); total > uint64(f.m.Context) {
		return nil, fmt.Errorf("the text with its blank is %d tokens long, more than the model's context of %d",
			total, f.m.Context)
	}
	var lengths []int
	for n := shortest; n <= longest; n++ {
		lengths = append(lengths, n)
	}
	t := len(left) + longest + len(right)
	at := max(1, maxLogits/(t*f.m.Vocab))
	var best []int32
	bestScore := 0.0
	for len(lengths) > 0 {
		now := lengths[:min(at, len(lengths))]
		lengths = lengths[len(now):]
		fills, scores, err := f.candidates(ctx, left, right, now, t, o, r)
		if err != nil {
			return nil, err
		}
		for i, fill := range fills {
			if best == nil || scores[i] < bestScore {
				best, bestScore = fill, scores[i]
			}
		}
	}
	return best, nil
}

// candidates fills the blank with each of the lengths, a row each, and scores the results.
func (f *Filler) candidates(
	ctx context.Context, left, right []int32, lengths []int, t int, o FillOptions, r *Rounds,
) ([][]int32, []float64, error) {
	b := len(lengths)
	pass, err := f.m.NewPass(model.PassOptions{B: b, T: t, Hide: true, Logits: true, Second: f.planner.Tagged()})
	if err != nil {
		return nil, nil, err
	}
	defer pass.Free()
	c := candidates{
		Filler:  f,
		sampler: sampler{Sampling: o.Sampling},
		pass:    pass,
		rows:    batch.New(b, t),
		left:    len(left),
		lengths: lengths,
		windows: make([]int32, b*t),
		logits:  make([]float32, b*t*f.m.Vocab),
	}
	c.place(left, right)
	for round := 1; c.open() > 0; round++ {
		if err := ctx.Err(); err != nil {
			return nil, nil, err
		}
		if err := c.round(o, o.last(round)); err != nil {
			return nil, nil, err
		}
		r.Passes++
	}
	scores, err := c.score()
	return c.fills(), scores, err
}

// candidates is a blank filled with several lengths at once.
type candidates struct {
	*Filler
	sampler
	pass    *model.Pass
	rows    *batch.Batch
	plan    mask.Plan
	left    int
	lengths []int
	windows []int32 // a slot's look-ahead, −1 where the token is known
	logits  []float32
}

// place puts the text and its blank into each row.
func (c *candidates) place(left, right []int32) {
	t := c.rows.T
	for b, n := range c.lengths {
		c.rows.Document(b, slices.Concat(left, make([]int32, n), right))
		for i := range t {
			k := b*t + i
			c.rows.Next[k], c.windows[k] = -1, -1
			if i >= len(left) && i < len(left)+n {
				c.windows[k] = int32(c.planner.Config().MaxWindow) // no further than in training
			}
		}
	}
}

// open is how many slots are still open.
func (c *candidates) open() int {
	n := 0
	for _, w := range c.windows {
		if w >= 0 {
			n++
		}
	}
	return n
}

// round predicts every open slot and accepts the reliable ones of each row.
func (c *candidates) round(o FillOptions, last bool) error {
	c.planner.PlanSlots(&c.plan, c.rows, c.windows)
	if err := c.run(); err != nil {
		return err
	}
	if err := c.be.Download(c.logits, c.pass.Logits.Buffer()); err != nil {
		return err
	}
	v, t := c.m.Vocab, c.rows.T
	for b := range c.lengths {
		var guesses []guess
		for i := range t {
			if k := b*t + i; c.windows[k] >= 0 {
				l := c.logits[k*v : (k+1)*v]
				id := c.draw(l, place{o.Sequence, 0}, i, o.Banned)
				guesses = append(guesses, guess{k, id, confidence(l, o.Banned)})
			}
		}
		if len(guesses) == 0 {
			continue
		}
		for _, g := range guesses[:o.accept(guesses, noEnd, last)] {
			c.rows.IDs[g.at], c.windows[g.at] = g.id, -1
		}
	}
	return nil
}

func (c *candidates) run() error {
	c.pass.Load(c.rows, &c.plan)
	c.pass.At(c.planner.Seed(), c.plan.Step, c.rows.First)
	c.pass.Forward()
	return c.be.Sync()
}

// score is, for each row, −ln p of the text from the blank on given what stands before, each token seeing those before
// it.
func (c *candidates) score() ([]float64, error) {
	t := c.rows.T
	for k := range c.rows.Next {
		if i := k % t; i+1 < t && i+1 < int(c.rows.End[k]) && i+1 >= c.left {
			c.rows.Next[k] = c.rows.IDs[k+1]
		}
	}
	c.planner.PlanStatic(&c.plan, c.rows, 0)
	if err := c.run(); err != nil {
		return nil, err
	}
	nll := make([]float32, len(c.lengths)*t)
	if err := c.be.Download(nll, c.pass.Stats.NLL.Buffer()); err != nil {
		return nil, err
	}
	scores := make([]float64, len(c.lengths))
	for k, l := range nll {
		scores[k/t] += float64(l)
	}
	return scores, nil
}

func (c *candidates) fills() [][]int32 {
	var fills [][]int32
	for b, n := range c.lengths {
		from := b*c.rows.T + c.left
		fills = append(fills, c.rows.IDs[from:from+n:from+n])
	}
	return fills
}
