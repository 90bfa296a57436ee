package generate

import (
	"context"
	"errors"

	"dmtrain/internal/mask"
	"dmtrain/internal/model"
)

// Stream translates one source while it is read: before each target token only as many source tokens are asked of next
// as the model waits for, wait_k and one more with every target token, and the rest is unknown to it. next says false
// after the source's last token, its End; emit hears each target token and how many source tokens had been read.
func Stream(
	ctx context.Context, m *model.Model, c mask.Config, next func() (int32, bool), o Translation,
	emit func(read int, id int32) error,
) error {
	if c.Cross != mask.CrossWaitK {
		return errors.New("mask.cross: the model was trained to read the whole source first; only one trained with " +
			"wait_k writes while it reads")
	}
	if o.Beams != 1 {
		return errors.New("beams: what has been written can't be taken back, so there is one beam")
	}
	k, err := newCache(m, c, model.DecodeOptions{Sources: 1, Beams: 1, S: m.Context, T: 1})
	if err != nil {
		return err
	}
	defer k.free()
	var source []int32
	ended := false
	read := func(at int) {
		more := false
		for !ended && len(source) < min(c.WaitK+at, m.Context) {
			id, ok := next()
			if ended = !ok; ok {
				source, more = append(source, id), true
			}
		}
		if more {
			k.readSources([][]int32{source})
		}
	}
	target := newText([]int32{o.Begin}, m.Context, place{})
	hear := func(_ *text, ids []int32) error { return emit(len(source), ids[0]) }
	return newSearch(k, o.options(m.Context), []*text{target}).run(ctx, steps{read, hear})
}
