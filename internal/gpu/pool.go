//go:build cuda && !cudaemu

package gpu

import (
	"errors"
	"slices"
)

const (
	poolAlign = 256
	poolChunk = 64 << 20 // what is asked of the driver at least, whose own allocations are slow and coarse
)

// pool hands out parts of large chunks of device memory. Work on a device is in order, so memory given back may be handed out
// again at once: whoever gets it comes later on the stream.
type pool struct {
	get   func(bytes int64) (Ptr, error)
	put   func(Ptr) error
	spans []span // by address; neighbours of one chunk are never both free
}

// span is a run of bytes of a chunk.
type span struct {
	at    Ptr
	bytes int64
	chunk Ptr
	free  bool
}

func newPool(get func(int64) (Ptr, error), put func(Ptr) error) *pool {
	return &pool{get: get, put: put}
}

func (p *pool) alloc(bytes int64) (Ptr, error) {
	bytes = (max(bytes, 1) + poolAlign - 1) / poolAlign * poolAlign
	best := p.best(bytes)
	if best < 0 {
		if err := p.grow(bytes); err != nil {
			return 0, err
		}
		best = p.best(bytes)
	}
	s := &p.spans[best]
	at, rest := s.at, s.bytes-bytes
	s.free, s.bytes = false, bytes
	if rest > 0 {
		p.spans = slices.Insert(p.spans, best+1, span{at: at + Ptr(bytes), bytes: rest, chunk: s.chunk, free: true})
	}
	return at, nil
}

// best is the smallest free span that is large enough, the first of equals; −1 when there is none.
func (p *pool) best(bytes int64) int {
	best := -1
	for i, s := range p.spans {
		if s.free && s.bytes >= bytes && (best < 0 || s.bytes < p.spans[best].bytes) {
			best = i
		}
	}
	return best
}

// grow gets a chunk, a small one where a large one can't be had, and without chunks that lie idle if need be.
func (p *pool) grow(bytes int64) error {
	size := max(bytes, poolChunk)
	at, err := p.get(size)
	if err != nil && size > bytes {
		size = bytes
		at, err = p.get(size)
	}
	if err != nil && p.trim() {
		at, err = p.get(size)
	}
	if err != nil {
		return err
	}
	i, _ := slices.BinarySearchFunc(p.spans, at, func(s span, at Ptr) int {
		if s.at < at {
			return -1
		}
		return 1
	})
	p.spans = slices.Insert(p.spans, i, span{at: at, bytes: size, chunk: at, free: true})
	return nil
}

// trim gives chunks back of which nothing is in use.
func (p *pool) trim() bool {
	trimmed := false
	p.spans = slices.DeleteFunc(p.spans, func(s span) bool {
		whole := s.free && s.at == s.chunk && p.chunkSpans(s.chunk) == 1
		if whole && p.put(s.at) == nil {
			trimmed = true
			return true
		}
		return false
	})
	return trimmed
}

func (p *pool) chunkSpans(chunk Ptr) int {
	n := 0
	for _, s := range p.spans {
		if s.chunk == chunk {
			n++
		}
	}
	return n
}

func (p *pool) free(at Ptr) error {
	i := slices.IndexFunc(p.spans, func(s span) bool { return s.at == at && !s.free })
	if i < 0 {
		return errors.New("free of memory that was not allocated")
	}
	p.spans[i].free = true
	p.join(i)
	if i > 0 {
		p.join(i - 1)
	}
	return nil
}

// join makes span i and the next one, if both are free, one.
func (p *pool) join(i int) {
	if i+1 >= len(p.spans) || !p.spans[i].free || !p.spans[i+1].free || p.spans[i].chunk != p.spans[i+1].chunk {
		return
	}
	p.spans[i].bytes += p.spans[i+1].bytes
	p.spans = slices.Delete(p.spans, i+1, i+2)
}

// unused is how many bytes of its chunks nobody has.
func (p *pool) unused() int64 {
	n := int64(0)
	for _, s := range p.spans {
		if s.free {
			n += s.bytes
		}
	}
	return n
}
