//go:build cuda && !cudaemu

package gpu

/*
#include <cuda.h>
*/
import "C"

import (
	"fmt"
	"unsafe"

	"gorgonia.org/cu"
)

const (
	stagingUp    = 16 << 20
	stagingDown  = 4 << 20
	stagingPiece = stagingUp / 4
	stagingAlign = 256
)

// staging is pinned host memory, from which the device copies while the host goes on. Uploads go through a ring: a piece is
// written where the oldest copies have been done, and an event tells when its own copy is.
type staging struct {
	up, down []byte
	upAt     unsafe.Pointer
	downAt   unsafe.Pointer
	ring     ring
	events   []cu.Event // idle ones
}

func newStaging() (*staging, error) {
	s := &staging{ring: ring{size: stagingUp}}
	var err error
	if s.upAt, err = pinned(stagingUp); err != nil {
		return nil, err
	}
	if s.downAt, err = pinned(stagingDown); err != nil {
		return nil, err
	}
	s.up, s.down = unsafe.Slice((*byte)(s.upAt), stagingUp), unsafe.Slice((*byte)(s.downAt), stagingDown)
	return s, nil
}

func pinned(bytes int) (unsafe.Pointer, error) {
	var p unsafe.Pointer
	if code := C.cuMemHostAlloc(&p, C.size_t(bytes), 0); code != C.CUDA_SUCCESS {
		return nil, fmt.Errorf("%d bytes of pinned host memory can't be had: %s", bytes, reason(code))
	}
	return p, nil
}

func (s *staging) close() {
	for _, p := range []unsafe.Pointer{s.upAt, s.downAt} {
		if p != nil {
			C.cuMemFreeHost(p)
		}
	}
}

func (s *staging) upload(stream cu.Stream, dst Ptr, src []byte) error {
	for len(src) > 0 {
		n := min(len(src), stagingPiece)
		at, err := s.room(n)
		if err != nil {
			return err
		}
		copy(s.up[at:], src[:n])
		if err := cu.MemcpyHtoDAsync(cu.DevicePtr(dst), unsafe.Pointer(&s.up[at]), int64(n), stream); err != nil {
			return err
		}
		e, err := s.event()
		if err != nil {
			return err
		}
		if err := e.Record(stream); err != nil {
			return err
		}
		s.ring.took(e)
		src, dst = src[n:], dst+Ptr(n)
	}
	return nil
}

// room is where n bytes may be written, after waiting for as many copies as stand in the way.
func (s *staging) room(n int) (int, error) {
	for {
		at, ok := s.ring.reserve((n + stagingAlign - 1) / stagingAlign * stagingAlign)
		if ok {
			return at, nil
		}
		e := s.ring.oldest()
		if err := e.Synchronize(); err != nil {
			return 0, err
		}
		s.events = append(s.events, e)
	}
}

func (s *staging) event() (cu.Event, error) {
	if n := len(s.events); n > 0 {
		e := s.events[n-1]
		s.events = s.events[:n-1]
		return e, nil
	}
	return cu.MakeEvent(cu.DisableTiming)
}

func (s *staging) download(stream cu.Stream, dst []byte, src Ptr) error {
	for len(dst) > 0 {
		n := min(len(dst), stagingDown)
		if err := cu.MemcpyDtoHAsync(s.downAt, cu.DevicePtr(src), int64(n), stream); err != nil {
			return err
		}
		if err := stream.Synchronize(); err != nil {
			return err
		}
		copy(dst[:n], s.down)
		dst, src = dst[n:], src+Ptr(n)
	}
	return nil
}

// ring hands out runs of a buffer in order and takes them back in order.
type ring struct {
	size, next int
	taken      []stretch // oldest first
	pending    stretch   // reserved, its event not yet known
}

// stretch is a run of bytes in use until its event has passed.
type stretch struct {
	from, to int
	done     cu.Event
}

// reserve finds n bytes behind the newest stretch, or at the start when they don't fit there; false while the oldest stand in the way.
func (r *ring) reserve(n int) (at int, ok bool) {
	if len(r.taken) == 0 {
		r.next = 0
	}
	at = r.next
	if at+n > r.size {
		at = 0
	}
	for _, s := range r.taken {
		if at < s.to && s.from < at+n {
			return 0, false
		}
	}
	r.pending = stretch{from: at, to: at + n}
	r.next = at + n
	return at, true
}

func (r *ring) took(done cu.Event) {
	r.pending.done = done
	r.taken = append(r.taken, r.pending)
}

// oldest takes the oldest stretch back.
func (r *ring) oldest() cu.Event {
	e := r.taken[0].done
	copy(r.taken, r.taken[1:])
	r.taken = r.taken[:len(r.taken)-1]
	return e
}
