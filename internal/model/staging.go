package model

import (
	"dmtrain/internal/graph"
	"dmtrain/internal/kernels"
	"dmtrain/internal/mask"
	"dmtrain/internal/tensor"
)

// element is a type that inputs have.
type element interface{ int32 | float32 | uint8 }

// staging is the host's side of an input, or of what is read after every pass. It is made once, because handing a slice
// to a backend as any would otherwise allocate in every step.
type staging[E element] struct {
	value *graph.Value
	host  []E // made at its first use: by then it is known that the device has room for so much
	boxed any // host
}

// ints, floats and flags declare inputs of the recording.
func ints(g *graph.Graph, shape ...int) *staging[int32] {
	return stage[int32](g.Input(tensor.Int32, shape...))
}

func floats(g *graph.Graph, shape ...int) *staging[float32] {
	return stage[float32](g.Input(tensor.Float32, shape...))
}

func flags(g *graph.Graph, shape ...int) *staging[uint8] {
	return stage[uint8](g.Input(tensor.Uint8, shape...))
}

func stage[E element](v *graph.Value) *staging[E] {
	return &staging[E]{value: v}
}

// room is the host's side.
func (s *staging[E]) room() []E {
	if s.host == nil {
		s.host = make([]E, s.value.Shape.Elems())
		s.boxed = s.host
	}
	return s.host
}

// upload copies src to the device.
func (s *staging[E]) upload(be kernels.Backend, src []E) {
	host := s.room()
	if len(src) != len(host) {
		panic("model: an input of the wrong length")
	}
	copy(host, src)
	s.send(be)
}

// send copies to the device what was written into room.
func (s *staging[E]) send(be kernels.Backend) { be.Upload(s.value.Buffer(), s.boxed) }

// download copies what the device computed into room, and returns that.
func (s *staging[E]) download(be kernels.Backend) ([]E, error) {
	host := s.room()
	return host, be.Download(s.boxed, s.value.Buffer())
}

// stagedMask is a mask with the host's side of its vectors.
type stagedMask struct {
	*graph.Mask
	pos, lo, hi, tag, a, b *staging[int32]
}

// newMask declares a mask for b rows of t queries and s keys, with or without a second interval.
func newMask(g *graph.Graph, b, t, s int, second bool) *stagedMask {
	m := g.Mask(b, t, s, second)
	staged := &stagedMask{Mask: m, pos: stage[int32](m.Pos), lo: stage[int32](m.Lo), hi: stage[int32](m.Hi)}
	if m.Tag != nil {
		staged.tag, staged.a, staged.b = stage[int32](m.Tag), stage[int32](m.A), stage[int32](m.B)
	}
	return staged
}

// upload copies a mask's vectors to the device; the second interval's are ignored where the recording has none.
func (s *stagedMask) upload(be kernels.Backend, m *mask.Mask) {
	s.pos.upload(be, m.Pos)
	s.lo.upload(be, m.Lo)
	s.hi.upload(be, m.Hi)
	if s.tag != nil {
		s.tag.upload(be, m.Tag)
		s.a.upload(be, m.A)
		s.b.upload(be, m.B)
	}
}
