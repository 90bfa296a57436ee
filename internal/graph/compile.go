package graph

import (
	"sort"

	"dmtrain/internal/kernels"
)

// Program is a compiled recording.
type Program struct {
	be    kernels.Backend
	nodes []node
	train bool
	arena *Arena
	cells []*cell // in the arena, each at its offset, which is in last
	need  int     // bytes of the arena
	fixed []*Value
	bytes int

	forward, backward replay
}

// arenaAlign keeps every cell on its own cache lines and GPU segments.
const arenaAlign = 256

// Compile plans the recording's memory and allocates it. It fails when the device has no room.
func (g *Graph) Compile() (*Program, error) { return g.CompileIn(NewArena(g.be)) }

// CompileIn is Compile in an arena that recordings share, of which only one runs at a time.
func (g *Graph) CompileIn(a *Arena) (*Program, error) {
	g.plan()
	size := place(g.cells)
	p := &Program{
		be:    g.be,
		nodes: g.nodes,
		train: g.train,
		arena: a,
		need:  size,
		fixed: g.fixed,
		bytes: size,
	}
	p.forward.calls, p.backward.calls = p.callForward, p.callBackward
	for _, c := range g.cells {
		if c.buf == nil {
			p.cells = append(p.cells, c)
		}
	}
	if err := a.join(p); err != nil {
		p.Free()
		return nil, err
	}
	for _, v := range g.fixed {
		buf, err := g.be.Alloc(v.DType, v.Shape.Elems())
		if err != nil {
			p.Free()
			return nil, err
		}
		v.cell.buf = buf
		p.bytes += v.cell.bytes()
	}
	return p, nil
}

// bind gives every cell its place in the arena's memory. What was captured used the places before.
func (p *Program) bind(arena kernels.Buffer) {
	p.forward.forget()
	p.backward.forget()
	for _, c := range p.cells {
		c.buf = p.be.Slice(arena, c.dtype, c.last, c.elems)
	}
}

// plan gives every cell its lifetime, differentiating on the way when training.
func (g *Graph) plan() {
	n := len(g.nodes)
	end := n
	if g.train {
		end = 2 * n
	}
	for t, nd := range g.nodes {
		for _, vs := range [][]*Value{nd.reads, nd.writes} {
			for _, v := range vs {
				if v != nil && v.cell != nil {
					v.cell.touch(t)
					if v.keep {
						v.cell.touch(end)
					}
				}
			}
		}
	}
	if !g.train {
		return
	}
	r := &reverse{g: g}
	for i := n - 1; i >= 0; i-- {
		r.time = 2*n - 1 - i
		g.nodes[i].op.differentiate(r)
	}
}

// place gives every used cell an offset such that cells alive at the same time never overlap, and returns the
// arena's size: greedy, largest first, at the lowest free offset. The offset replaces last.
func place(cells []*cell) int {
	type placed struct{ offset, end, first, last int }
	order := make([]*cell, 0, len(cells))
	for _, c := range cells {
		if c.first < 0 {
			c.first, c.last = 0, 0
		}
		order = append(order, c)
	}
	sort.SliceStable(order, func(i, j int) bool { return order[i].bytes() > order[j].bytes() })
	var done []placed // sorted by offset
	size := 0
	for _, c := range order {
		need := (c.bytes() + arenaAlign - 1) / arenaAlign * arenaAlign
		at := 0
		for _, d := range done {
			if d.last < c.first || c.last < d.first {
				continue
			}
			if d.offset >= at+need {
				break
			}
			at = max(at, d.end)
		}
		d := placed{at, at + need, c.first, c.last}
		i := sort.Search(len(done), func(i int) bool { return done[i].offset >= at })
		done = append(done, placed{})
		copy(done[i+1:], done[i:])
		done[i] = d
		size = max(size, d.end)
		c.last = at
	}
	return size
}

// Forward replays the recording. Calls may still be running on return.
func (p *Program) Forward() { p.forward.run(p.be) }

func (p *Program) callForward() {
	for i := range p.nodes {
		p.nodes[i].op.forward(p.be)
	}
}

// Backward adds the gradient of the loss to the parameters' gradients. It follows a Forward.
func (p *Program) Backward() {
	if !p.train {
		panic("graph: Backward of a recording without training")
	}
	p.backward.run(p.be)
}

func (p *Program) callBackward() {
	for i := len(p.nodes) - 1; i >= 0; i-- {
		p.nodes[i].op.backward(p.be)
	}
}

// Bytes is the memory the program needs: its part of the arena, inputs and state, without parameters.
func (p *Program) Bytes() int { return p.bytes }

// Free gives the program's memory back; that of a shared arena with its last program.
func (p *Program) Free() {
	p.forward.forget()
	p.backward.forget()
	p.arena.leave(p)
	for _, v := range p.fixed {
		if v.cell.buf != nil {
			p.be.Free(v.cell.buf)
			v.cell.buf = nil
		}
	}
}
