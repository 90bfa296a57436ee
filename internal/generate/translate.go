package generate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"math/bits"
	"slices"

	"dmtrain/internal/mask"
	"dmtrain/internal/model"
)

// Translation says how targets are decoded.
type Translation struct {
	Options       // Sequence is the first source's; MaxTokens 0 = as many as the model has positions for
	Beams   int   // 1 = greedy, or sampling where Temperature is above 0
	Batch   int   // sources decoded at once
	Begin   int32 // what a target begins with
}

// Check tells what is impossible about the settings.
func (o Translation) Check() error {
	switch {
	case o.Beams < 1:
		return fmt.Errorf("beams: %d is not 1 or more", o.Beams)
	case o.Beams > 1 && o.Temperature > 0:
		return fmt.Errorf("temperature: beams search for the most probable target; sampling needs beams 1")
	case o.Batch < 1:
		return fmt.Errorf("batch: %d is not 1 or more", o.Batch)
	case o.MaxTokens < 0:
		return fmt.Errorf("max-tokens: %d is not 0 or more", o.MaxTokens)
	case math.IsNaN(o.LengthPenalty) || math.IsInf(o.LengthPenalty, 0):
		return fmt.Errorf("length-penalty: %v is not a number", o.LengthPenalty)
	}
	return o.Sampling.Check()
}

// options are those of a target of a model of so many positions. A target begins once.
func (o Translation) options(context int) Options {
	limit := context - 1
	if o.MaxTokens > 0 {
		limit = min(limit, o.MaxTokens)
	}
	o.MaxTokens = limit
	if o.Begin != o.End {
		o.Banned = append(slices.Clone(o.Banned), o.Begin)
	}
	return o.Options
}

// Translator decodes sources, some at a time, and keeps the passes it has recorded for the next ones. What it finds
// does not depend on which sources come together.
type Translator struct {
	model  *model.Model
	mask   mask.Config
	o      Translation
	cache  *cache
	rounds Rounds
	count  int // of the sources so far: the number of the next one
}

// NewTranslator decodes with a model trained under the given mask section. Blocks are for models trained with form
// infill: blocks of one are greedy decoding; a hypothesis' score is of the confidences it was accepted with.
func NewTranslator(m *model.Model, c mask.Config, o Translation) (*Translator, error) {
	switch {
	case o.Blocks != nil && !c.Slots():
		return nil, errors.New("mask.form: only a model trained with infill predicts blocks in parallel")
	case o.Blocks != nil && o.Beams != 1:
		return nil, errors.New("beams: parallel decoding follows one target at a time")
	}
	return &Translator{model: m, mask: c, o: o, count: o.Sequence}, o.Blocks.check(m.Context)
}

// Translate is a Translator's for sources that are all there.
func Translate(
	ctx context.Context, m *model.Model, c mask.Config, sources [][]int32, o Translation,
) ([][]Hypothesis, Rounds, error) {
	t, err := NewTranslator(m, c, o)
	if err != nil {
		return nil, Rounds{}, err
	}
	defer t.Free()
	found, err := t.Translate(ctx, sources, nil)
	return found, t.Rounds(), err
}

// Decoded hears which sources have just been decoded, as numbers in found.
type Decoded func(lines []int, found [][]Hypothesis) error

// Translate decodes sources, tokens with End; done, which may be nil, hears of each batch of like length. The result
// has for each source its hypotheses, the best one first, at most Beams. A source longer than the model's context is
// cut.
func (t *Translator) Translate(ctx context.Context, sources [][]int32, done Decoded) ([][]Hypothesis, error) {
	order := make([]int, len(sources))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(len(sources[a]), len(sources[b])) })
	batch := min(t.o.Batch, 1<<bits.Len(uint(max(len(sources), 1)-1))) // a few sources don't pay for many
	out := make([][]Hypothesis, len(sources))
	for first := 0; first < len(order); first += batch {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		lines := order[first:min(first+batch, len(order))]
		if err := t.fit(batch, min(t.model.Context, (len(sources[lines[len(lines)-1]])+15)/16*16)); err != nil {
			return nil, err
		}
		if err := t.decode(ctx, sources, lines, out); err != nil {
			return nil, err
		}
		if done != nil {
			if err := done(lines, out); err != nil {
				return nil, err
			}
		}
	}
	t.count += len(sources)
	return out, nil
}

// fit makes a cache for a batch of sources of so many tokens, unless the one that is there has room for it.
func (t *Translator) fit(batch, tokens int) (err error) {
	if t.cache != nil && t.cache.shape.Sources == batch && t.cache.shape.S >= tokens {
		return nil
	}
	t.Free()
	shape := model.DecodeOptions{Sources: batch, Beams: t.o.Beams, S: tokens, T: 1}
	if t.o.Blocks != nil {
		shape.T = 2 * t.o.Blocks.Size
	}
	t.cache, err = newCache(t.model, t.mask, shape)
	return err
}

// decode decodes the sources of some lines into the same places of out.
func (t *Translator) decode(ctx context.Context, sources [][]int32, lines []int, out [][]Hypothesis) error {
	var some [][]int32
	var texts []*text
	for _, line := range lines {
		some = append(some, sources[line])
		texts = append(texts, newText([]int32{t.o.Begin}, t.model.Context, place{sequence: t.count + line}))
	}
	t.cache.readSources(some)
	d := t.cache.decoding(t.o.options(t.model.Context), texts)
	if err := d.run(ctx, steps{}); err != nil {
		return err
	}
	for i, line := range lines {
		out[line] = d.best(i)
		t.rounds.Passes += texts[i].passes
		t.rounds.Tokens += len(texts[i].out) + number(texts[i].ended)
	}
	return nil
}

// Rounds is what decoding in blocks has taken, summed over the targets, whose tokens include their End.
func (t *Translator) Rounds() Rounds { return t.rounds }

// Free gives the passes' memory back.
func (t *Translator) Free() {
	if t.cache != nil {
		t.cache.free()
		t.cache = nil
	}
}
