package generate

import (
	"context"
	"errors"

	"dmtrain/internal/mask"
	"dmtrain/internal/model"
)

// Stream translates one source while it is read: before each target token only as many source tokens are asked of next as the model
// waits for, wait_k and one more with every target token, and the rest is unknown to it. next says false after the source's last
// token, its End; emit hears each target token and how many source tokens had been read.
func Stream(ctx context.Context, m *model.Model, c mask.Config, next func() (int32, bool), o Translation, emit func(read int, id int32) error) error {
	if c.Cross != mask.CrossWaitK {
		return errors.New("mask.cross: the model was trained to read the whole source first; only one trained with wait_k writes while it reads")
	}
	if o.Beams != 1 {
		return errors.New("beams: what has been written can't be taken back, so there is one beam")
	}
	o.Batch = 1
	t, err := newTranslator(m, c, o, m.Context, 1)
	if err != nil {
		return err
	}
	defer t.pass.Free()
	s := streamer{next: next, translator: *t}
	return s.stream(ctx, emit)
}

// streamer is a translator of a source that is not yet known as a whole.
type streamer struct {
	translator
	next   func() (int32, bool)
	source []int32
	ended  bool
}

func (s *streamer) stream(ctx context.Context, emit func(read int, id int32) error) (err error) {
	searches := []search{{beams: []beam{{}}}}
	parents := []int32{0}
	for at := range s.limit() {
		if err := ctx.Err(); err != nil {
			return err
		}
		if s.read(s.c.WaitK + at) {
			s.readSources([][]int32{s.source}, []int{0})
		}
		s.place(searches, at)
		if s.logits, err = s.run(s.pass, s.tok); err != nil {
			return err
		}
		s.extend(&searches[0], 0, 0, at, parents)
		if len(searches[0].beams) == 0 {
			return nil
		}
		ids := searches[0].beams[0].ids
		if err := emit(len(s.source), ids[len(ids)-1]); err != nil {
			return err
		}
	}
	return nil
}

// read asks for source tokens until there are n, and says whether there were more to be had.
func (s *streamer) read(n int) (more bool) {
	for !s.ended && len(s.source) < min(n, s.pass.S) {
		id, ok := s.next()
		if !ok {
			s.ended = true
			return more
		}
		s.source, more = append(s.source, id), true
	}
	return more
}
