package graph

import (
	"slices"

	"dmtrain/internal/kernels"
	"dmtrain/internal/tensor"
)

// Arena is the memory of recordings that never run at the same time: as large as the largest of them needs. What
// one of them left in it, values to keep included, is gone when another has run.
type Arena struct {
	be       kernels.Backend
	buf      kernels.Buffer // nil: no room yet
	size     int
	programs []*Program
}

// NewArena is an empty arena, for [Graph.CompileIn]. It grows with what is compiled in it and is given back with
// the last of its programs.
func NewArena(be kernels.Backend) *Arena { return &Arena{be: be} }

// Bytes is the memory it holds.
func (a *Arena) Bytes() int { return a.size }

// join makes room for a program. When the device has none, the arena is empty and nothing in it can run.
func (a *Arena) join(p *Program) error {
	a.programs = append(a.programs, p)
	size := max(p.need, arenaAlign)
	if size <= a.size {
		p.bind(a.buf)
		return nil
	}
	a.release() // first, so that the old and the new never need room together
	buf, err := a.be.Alloc(tensor.Uint8, size)
	if err != nil {
		return err
	}
	a.buf, a.size = buf, size
	for _, p := range a.programs {
		p.bind(buf)
	}
	return nil
}

// leave forgets a program.
func (a *Arena) leave(p *Program) {
	a.programs = slices.DeleteFunc(a.programs, func(q *Program) bool { return q == p })
	if len(a.programs) == 0 {
		a.release()
	}
}

func (a *Arena) release() {
	if a.buf != nil {
		a.be.Free(a.buf)
	}
	a.buf, a.size = nil, 0
}
