package generate

import (
	"context"
	"fmt"

	"dmtrain/internal/mask"
	"dmtrain/internal/model"
)

// Emit receives each token as it is decided. Its error ends the sequence.
type Emit func(id int32) error

// Decoder continues sequences of one model, one at a time, with a key–value cache.
type Decoder struct{ cache *cache }

// NewDecoder records the passes for a model trained under the given mask section, of which the static structure counts.
// A structure that shows a token its own future can't be continued token by token.
func NewDecoder(m *model.Model, c mask.Config) (*Decoder, error) {
	switch c.Structure {
	case mask.StructureCausal, mask.StructureWindow, mask.StructureSinks, mask.StructurePrefix:
	default:
		return nil, fmt.Errorf("mask.structure: a model trained under %q has not learnt to predict the next token of "+
			"an unfinished text; it can't be sampled from", c.Structure)
	}
	k, err := newCache(m, c, model.DecodeOptions{Sources: 1, Beams: 1, T: 1})
	if err != nil {
		return nil, err
	}
	return &Decoder{k}, nil
}

// Free gives the passes' memory back.
func (d *Decoder) Free() { d.cache.free() }

// Continue continues the prompt, which has at least one token; in blocks only for models trained with form infill. When
// the text outgrows the model's context, its older half is forgotten and the newer half read again.
func (d *Decoder) Continue(ctx context.Context, prompt []int32, o Options, emit Emit) (Rounds, error) {
	context := d.cache.m.Context
	if err := o.Blocks.check(context); err != nil {
		return Rounds{}, err
	}
	t := newText(prompt, context, place{o.Sequence, len(prompt)})
	err := d.cache.decoding(o, []*text{t}).run(ctx, steps{after: func(_ *text, ids []int32) error {
		for _, id := range ids {
			if err := emit(id); err != nil {
				return err
			}
		}
		return nil
	}})
	return Rounds{t.passes, len(t.out)}, err
}
