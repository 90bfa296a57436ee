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
	stagingMost  = 64 // pieces under way: more than a step's uploads for two micro-batches
)

// staging is pinned host memory, from which the device copies while the host goes on. Uploads go through a ring, which the host and
// the device have alike: a piece crosses over to the same place on the device on a stream of its own, so while kernels run, and the
// stream of the kernels puts it where it belongs once all before it is done. A piece is written where the oldest have been put in
// their places; an event tells when that is.
type staging struct {
	up, down []byte
	upAt     unsafe.Pointer
	downAt   unsafe.Pointer
	there    cu.DevicePtr // the device's ring
	copies   cu.Stream    // over which pieces cross
	crossed  cu.Event     // the newest piece
	ring     ring
	events   []cu.Event // idle ones
}

func newStaging() (s *staging, err error) {
	s = &staging{ring: ring{size: stagingUp}}
	if s.upAt, err = pinned(stagingUp); err != nil {
		return nil, err
	}
	if s.downAt, err = pinned(stagingDown); err != nil {
		return nil, err
	}
	s.up, s.down = unsafe.Slice((*byte)(s.upAt), stagingUp), unsafe.Slice((*byte)(s.downAt), stagingDown)
	if s.there, err = cu.MemAlloc(stagingUp); err != nil {
		return nil, err
	}
	if s.copies, err = cu.MakeStream(cu.NonBlocking); err != nil {
		return nil, err
	}
	s.crossed, err = cu.MakeEvent(cu.DisableTiming)
	return s, err
}

func pinned(bytes int) (unsafe.Pointer, error) {
	var p unsafe.Pointer
	if code := C.cuMemHostAlloc(&p, C.size_t(bytes), 0); code != C.CUDA_SUCCESS {
		return nil, fmt.Errorf("%d bytes of pinned host memory can't be had: %s", bytes, reason(code))
	}
	return p, nil
}

// close waits for copies under way, which read what it gives back. A fault ends them too.
func (s *staging) close() {
	if s.copies != (cu.Stream{}) {
		_ = s.copies.Synchronize()
	}
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
		if err := s.cross(stream, dst, at, n); err != nil {
			return err
		}
		src, dst = src[n:], dst+Ptr(n)
	}
	return nil
}

// cross takes n bytes of the ring to the device, and on to where they belong.
func (s *staging) cross(stream cu.Stream, dst Ptr, at, n int) error {
	there := s.there + cu.DevicePtr(at)
	if err := cu.MemcpyHtoDAsync(there, unsafe.Pointer(&s.up[at]), int64(n), s.copies); err != nil {
		return err
	}
	if err := s.crossed.Record(s.copies); err != nil {
		return err
	}
	if err := stream.Wait(s.crossed, 0); err != nil { // for this piece, whatever is recorded later
		return err
	}
	if err := cu.MemcpyDtoDAsync(cu.DevicePtr(dst), there, int64(n), stream); err != nil {
		return err
	}
	placed, err := s.event()
	if err != nil {
		return err
	}
	s.ring.took(placed)
	return placed.Record(stream)
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

// reserve finds n bytes behind the newest stretch, or at the start when they don't fit there; false while the oldest stand in the way
// or there are too many.
func (r *ring) reserve(n int) (at int, ok bool) {
	switch len(r.taken) {
	case 0:
		r.next = 0
	case stagingMost:
		return 0, false
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
