// Package heap keeps account of memory that a device can't be asked for piece by piece: Heap of what lives long and
// is given back in any order, Ring of what is in use for a moment and given back in order. Neither touches the
// memory.
package heap

import (
	"errors"
	"slices"

	"dmtrain/internal/gpu/driver"
)

const (
	// Align is what every address is a multiple of.
	Align      = 256
	chunkBytes = 64 << 20 // what is asked of the driver at least, whose own allocations are slow and coarse
)

// Heap hands out parts of large chunks of device memory. Work on a device is in order, so memory given back may be
// handed out again at once: whoever gets it comes later on the stream.
type Heap struct {
	get   func(bytes int64) (driver.Ptr, error)
	put   func(driver.Ptr) error
	spans []span // by address; neighbours of one chunk are never both free
}

// span is a run of bytes of a chunk.
type span struct {
	at    driver.Ptr
	bytes int64
	chunk driver.Ptr
	free  bool
}

// New makes a heap whose chunks get asks for and put gives back.
func New(get func(bytes int64) (driver.Ptr, error), put func(driver.Ptr) error) *Heap {
	return &Heap{get: get, put: put}
}

// Alloc returns a span that holds bytes; the error is get's.
func (h *Heap) Alloc(bytes int64) (driver.Ptr, error) {
	bytes = (max(bytes, 1) + Align - 1) / Align * Align
	best := h.best(bytes)
	if best < 0 {
		if err := h.grow(bytes); err != nil {
			return 0, err
		}
		best = h.best(bytes)
	}
	s := &h.spans[best]
	at, rest := s.at, s.bytes-bytes
	s.free, s.bytes = false, bytes
	if rest > 0 {
		h.spans = slices.Insert(h.spans, best+1, span{
			at:    at + driver.Ptr(bytes),
			bytes: rest,
			chunk: s.chunk,
			free:  true,
		})
	}
	return at, nil
}

// best is the smallest free span that is large enough, the first of equals; −1 when there is none.
func (h *Heap) best(bytes int64) int {
	best := -1
	for i, s := range h.spans {
		if s.free && s.bytes >= bytes && (best < 0 || s.bytes < h.spans[best].bytes) {
			best = i
		}
	}
	return best
}

// grow gets a chunk, a small one where a large one can't be had, and without chunks that lie idle if need be.
func (h *Heap) grow(bytes int64) error {
	size := max(bytes, chunkBytes)
	at, err := h.get(size)
	if err != nil && size > bytes {
		size = bytes
		at, err = h.get(size)
	}
	if err != nil && h.trim() {
		at, err = h.get(size)
	}
	if err != nil {
		return err
	}
	i, _ := slices.BinarySearchFunc(h.spans, at, func(s span, at driver.Ptr) int {
		if s.at < at {
			return -1
		}
		return 1
	})
	h.spans = slices.Insert(h.spans, i, span{
		at:    at,
		bytes: size,
		chunk: at,
		free:  true,
	})
	return nil
}

// trim gives chunks back of which nothing is in use.
func (h *Heap) trim() bool {
	trimmed := false
	h.spans = slices.DeleteFunc(h.spans, func(s span) bool {
		whole := s.free && s.at == s.chunk && h.chunkSpans(s.chunk) == 1
		if whole && h.put(s.at) == nil {
			trimmed = true
			return true
		}
		return false
	})
	return trimmed
}

func (h *Heap) chunkSpans(chunk driver.Ptr) int {
	n := 0
	for _, s := range h.spans {
		if s.chunk == chunk {
			n++
		}
	}
	return n
}

// Free gives back what Alloc returned.
func (h *Heap) Free(at driver.Ptr) error {
	i := slices.IndexFunc(h.spans, func(s span) bool { return s.at == at && !s.free })
	if i < 0 {
		return errors.New("free of memory that was not allocated")
	}
	h.spans[i].free = true
	h.join(i)
	if i > 0 {
		h.join(i - 1)
	}
	return nil
}

// join makes span i and the next one, if both are free, one.
func (h *Heap) join(i int) {
	if i+1 >= len(h.spans) || !h.spans[i].free || !h.spans[i+1].free || h.spans[i].chunk != h.spans[i+1].chunk {
		return
	}
	h.spans[i].bytes += h.spans[i+1].bytes
	h.spans = slices.Delete(h.spans, i+1, i+2)
}

// Unused is how many bytes of its chunks nobody has.
func (h *Heap) Unused() int64 {
	n := int64(0)
	for _, s := range h.spans {
		if s.free {
			n += s.bytes
		}
	}
	return n
}
