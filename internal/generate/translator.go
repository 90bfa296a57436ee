package generate

import (
	"cmp"
	"context"
	"math/bits"
	"slices"

	"dmtrain/internal/mask"
	"dmtrain/internal/model"
)

// Translator decodes sources, some at a time, and keeps the passes it has recorded for the next ones. What it finds does not depend on
// which sources come together.
type Translator struct {
	model  *model.Model
	mask   mask.Config
	o      Translation
	blocks *Blocks // nil: one token after the other
	pass   decoder
	room   room
	rounds Rounds
	count  int // of the sources so far: the number of the next one
}

// decoder decodes the sources of some lines into the same places of out. Draws are of the sources' numbers, lines counted from first.
type decoder interface {
	decode(ctx context.Context, sources [][]int32, lines []int, first int, out [][]Hypothesis) error
	free()
}

// room is how many sources a pass takes, and how many tokens of each.
type room struct{ sources, tokens int }

// NewTranslator decodes one token after the other.
func NewTranslator(m *model.Model, c mask.Config, o Translation) *Translator {
	return &Translator{model: m, mask: c, o: o}
}

// Decoded hears which sources have just been decoded, as numbers in found.
type Decoded func(lines []int, found [][]Hypothesis) error

// Translate decodes sources, tokens with End; done, which may be nil, hears of each batch of like length. The result has for each source
// its hypotheses, the best one first, at most Beams. A source longer than the model's context is cut.
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
		if err := t.fit(room{batch, min(t.model.Context, (len(sources[lines[len(lines)-1]])+15)/16*16)}); err != nil {
			return nil, err
		}
		if err := t.pass.decode(ctx, sources, lines, t.count, out); err != nil {
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

// fit makes passes for a batch, unless those that are there have room for it.
func (t *Translator) fit(r room) error {
	if t.pass != nil && t.room.sources == r.sources && t.room.tokens >= r.tokens {
		return nil
	}
	t.Free()
	o := t.o
	o.Batch = r.sources
	pass, err := t.newPass(o, r.tokens)
	if err != nil {
		return err
	}
	t.pass, t.room = pass, r
	return nil
}

func (t *Translator) newPass(o Translation, tokens int) (decoder, error) {
	if t.blocks == nil {
		return newTranslator(t.model, t.mask, o, tokens, 1)
	}
	return newBlockTranslator(t.model, t.mask, o, *t.blocks, tokens, &t.rounds)
}

// Rounds is what decoding in parallel has taken, summed over the targets, whose tokens include their End.
func (t *Translator) Rounds() Rounds { return t.rounds }

// Free gives the passes' memory back.
func (t *Translator) Free() {
	if t.pass != nil {
		t.pass.free()
		t.pass = nil
	}
}
