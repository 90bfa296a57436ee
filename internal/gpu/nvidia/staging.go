//go:build cuda && !cudaemu

package nvidia

/*
#include <cuda.h>
*/
import "C"

import (
	"fmt"
	"unsafe"

	"gorgonia.org/cu"

	"dmtrain/internal/gpu/driver"
	"dmtrain/internal/gpu/heap"
)

const (
	stagingUp    = 16 << 20
	stagingDown  = 4 << 20
	stagingPiece = stagingUp / 4
	stagingAlign = 256
	stagingMost  = 64 // pieces under way: more than a step's uploads for two micro-batches
)

// staging is pinned host memory, from which the device copies while the host goes on. Uploads go through a ring,
// which the host and the device have alike: a piece crosses over to the same place on the device on a stream of its
// own, so while kernels run, and the stream of the kernels puts it where it belongs once all before it is done. A
// piece is written where the oldest have been put in their places; an event tells when that is.
type staging struct {
	up, down []byte
	upAt     unsafe.Pointer
	downAt   unsafe.Pointer
	there    cu.DevicePtr // the device's ring
	copies   cu.Stream    // over which pieces cross
	crossed  cu.Event     // the newest piece
	ring     *heap.Ring[cu.Event]
	events   []cu.Event // idle ones
}

func newStaging() (s *staging, err error) {
	s = &staging{ring: heap.NewRing[cu.Event](stagingUp, stagingMost)}
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

func (s *staging) upload(stream cu.Stream, dst driver.Ptr, src []byte) error {
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
		src, dst = src[n:], dst+driver.Ptr(n)
	}
	return nil
}

// cross takes n bytes of the ring to the device, and on to where they belong.
func (s *staging) cross(stream cu.Stream, dst driver.Ptr, at, n int) error {
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
	s.ring.Took(placed)
	return placed.Record(stream)
}

// room is where n bytes may be written, after waiting for as many copies as stand in the way.
func (s *staging) room(n int) (int, error) {
	for {
		at, ok := s.ring.Reserve((n + stagingAlign - 1) / stagingAlign * stagingAlign)
		if ok {
			return at, nil
		}
		e := s.ring.Oldest()
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

func (s *staging) download(stream cu.Stream, dst []byte, src driver.Ptr) error {
	for len(dst) > 0 {
		n := min(len(dst), stagingDown)
		if err := cu.MemcpyDtoHAsync(s.downAt, cu.DevicePtr(src), int64(n), stream); err != nil {
			return err
		}
		if err := stream.Synchronize(); err != nil {
			return err
		}
		copy(dst[:n], s.down)
		dst, src = dst[n:], src+driver.Ptr(n)
	}
	return nil
}
