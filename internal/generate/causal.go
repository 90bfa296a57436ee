package generate

import (
	"context"
	"fmt"

	"dmtrain/internal/batch"
	"dmtrain/internal/mask"
	"dmtrain/internal/model"
)

// chunk is how many prompt tokens are read at once.
const chunk = 64

// Options say how a sequence is continued.
type Options struct {
	Sampling
	MaxTokens int
	Sequence  int   // number of the sample: samples of different numbers are independent
	End       int32 // the token that ends a sequence; −1: none does
	Banned    []int32
}

// Emit receives each token as it is decided. Its error ends the sequence.
type Emit func(id int32) error

// Decoder continues sequences of one model, one at a time, with a key–value cache.
type Decoder struct {
	m      *model.Model
	static mask.Mask     // one row of the model's context
	window int           // how far past itself a slot sees at most: no further than in training
	read   *model.Decode // chunk tokens at once
	next   *model.Decode // one token
}

// NewDecoder records the passes for a model trained under the given mask section, of which the static structure counts. A structure that
// shows a token its own future can't be continued token by token.
func NewDecoder(m *model.Model, c mask.Config) (*Decoder, error) {
	switch c.Structure {
	case mask.StructureCausal, mask.StructureWindow, mask.StructureSinks, mask.StructurePrefix:
	default:
		return nil, fmt.Errorf("mask.structure: a model trained under %q has not learnt to predict the next token of an unfinished text; it can't be sampled from", c.Structure)
	}
	d := &Decoder{m: m}
	if err := d.plan(c); err != nil {
		return nil, err
	}
	second := d.static.Tag != nil
	var err error
	if d.read, err = m.NewDecode(model.DecodeOptions{Sources: 1, Beams: 1, T: min(chunk, m.Context), Second: second}, nil); err != nil {
		return nil, err
	}
	if d.next, err = m.NewDecode(model.DecodeOptions{Sources: 1, Beams: 1, T: 1, Second: second}, d.read); err != nil {
		d.read.Free()
		return nil, err
	}
	return d, nil
}

// plan asks the planner what a text as long as the context sees.
func (d *Decoder) plan(c mask.Config) error {
	p, err := staticPlanner(d.m, c)
	if err != nil {
		return err
	}
	rows := batch.New(1, d.m.Context)
	for i := range rows.End {
		rows.End[i] = int32(d.m.Context)
	}
	var plan mask.Plan
	p.PlanStatic(&plan, rows, 0)
	d.static, d.window = plan.Mask, p.Config().MaxWindow
	return nil
}

// staticPlanner plans for the model's context under a mask section's structure. It keeps the section's widest window.
func staticPlanner(m *model.Model, c mask.Config) (*mask.Planner, error) {
	static := mask.DefaultConfig()
	static.Structure, static.Window, static.Sinks, static.MaxWindow = c.Structure, c.Window, c.Sinks, c.MaxWindow
	return mask.NewPlanner(static, 0, mask.Run{SeqLen: m.Context, Steps: 1, Vocab: m.Vocab})
}

// Free gives the passes' memory back.
func (d *Decoder) Free() { d.next.Free(); d.read.Free() }

// Causal continues the prompt, which has at least one token, token by token. When the text outgrows the model's context,
// its older half is forgotten and the newer half read again.
func (d *Decoder) Causal(ctx context.Context, prompt []int32, o Options, emit Emit) error {
	pick := sampler{Sampling: o.Sampling}
	text := newHistory(d.m, &d.static, prompt)
	logits, err := text.catchUp(d.read, d.next)
	for n := 0; err == nil && n < o.MaxTokens; n++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		id, _ := pick.pick(logits, o.Sequence, len(prompt)+n, o.Banned)
		if id == o.End {
			return nil
		}
		if err := emit(id); err != nil {
			return err
		}
		if n+1 == o.MaxTokens {
			return nil
		}
		text.push(id)
		logits, err = text.catchUp(d.read, d.next)
	}
	return err
}
