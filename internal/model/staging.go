package model

import (
	"dmtrain/internal/graph"
	"dmtrain/internal/kernels"
	"dmtrain/internal/tensor"
)

// staging is the host's side of an input. It is made once, because handing a slice to a backend as any would otherwise allocate in
// every step.
type staging[E int32 | float32] struct {
	value *graph.Value
	host  []E // made at its first use: by then it is known that the device has room for so much
	boxed any // host
}

// ints and floats declare inputs of the recording.
func ints(g *graph.Graph, shape ...int) *staging[int32] {
	return stage[int32](g.Input(tensor.Int32, shape...))
}

func floats(g *graph.Graph, shape ...int) *staging[float32] {
	return stage[float32](g.Input(tensor.Float32, shape...))
}

func stage[E int32 | float32](v *graph.Value) *staging[E] {
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
	be.Upload(s.value.Buffer(), s.boxed)
}

// stagedMask is a mask with the host's side of its vectors.
type stagedMask struct {
	*graph.Mask
	pos, lo, hi, tag, a, b *staging[int32]
}

func stageMask(m *graph.Mask) stagedMask {
	s := stagedMask{Mask: m, pos: stage[int32](m.Pos), lo: stage[int32](m.Lo), hi: stage[int32](m.Hi)}
	if m.Tag != nil {
		s.tag, s.a, s.b = stage[int32](m.Tag), stage[int32](m.A), stage[int32](m.B)
	}
	return s
}

// upload copies a mask's vectors to the device; the second interval's are ignored where the recording has none.
func (s *stagedMask) upload(be kernels.Backend, pos, lo, hi, tag, a, b []int32) {
	s.pos.upload(be, pos)
	s.lo.upload(be, lo)
	s.hi.upload(be, hi)
	if s.tag != nil {
		s.tag.upload(be, tag)
		s.a.upload(be, a)
		s.b.upload(be, b)
	}
}
