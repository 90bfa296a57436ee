//go:build cudaemu

package gpu

// The kernels are compiled for the emulated device from the very sources that nvcc compiles. The links *.cu.h and *.cuh.h
// stand here only so that the go command sees when one of them changes.

/*
#cgo CFLAGS: -O2
#cgo CXXFLAGS: -O2 -std=c++17 -fsanitize=thread -fno-exceptions -Wall -Wextra -Wno-unknown-pragmas -DDMTRAIN_EMULATED -I${SRCDIR} -I${SRCDIR}/../../kernels
#cgo LDFLAGS: -lm
#include <stdlib.h>
#include <string.h>
#include "emu.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"syscall"
	"time"
	"unsafe"
)

// DriverName says which driver this program was built with.
const DriverName = Emulation

const emulatedMemory = 8 << 30

// device is the machine's one emulated device. Its runtime is single-threaded, so whoever enters it holds the lock.
var device struct {
	sync.Mutex
	open bool
}

// emulated is one user's view of the device. While capturing, work goes to its list instead of being done.
type emulated struct {
	times     []time.Time
	graphs    [][]func() error
	capturing bool
	captured  []func() error
}

func openDriver(ordinal int, _ []Module) (driver, error) {
	if ordinal != 0 {
		return nil, fmt.Errorf("%w: device %d asked, the emulated device is number 0", ErrUnavailable, ordinal)
	}
	device.Lock()
	defer device.Unlock()
	if !device.open {
		if errno := C.emu_open(emulatedMemory); errno != 0 {
			return nil, fmt.Errorf("emulated device: %w", syscall.Errno(errno))
		}
		device.open = true
	}
	return &emulated{}, nil
}

// Devices lists the devices there are.
func Devices() ([]Properties, error) { return []Properties{(&emulated{}).properties()}, nil }

func (*emulated) properties() Properties {
	return Properties{Name: "emulated device", Major: 8, Minor: 0, Memory: emulatedMemory, Processors: 1, Emulated: true}
}

func (*emulated) close() error { return nil }

func (e *emulated) alloc(bytes int64) (Ptr, error) {
	if e.capturing {
		return 0, errors.New("allocation while capturing")
	}
	device.Lock()
	defer device.Unlock()
	p := C.emu_alloc(C.size_t(bytes))
	if p == 0 {
		var free, total C.size_t
		C.emu_memory(&free, &total)
		return 0, &OutOfMemory{bytes, int64(free), int64(total)}
	}
	return Ptr(p), nil
}

func (*emulated) free(p Ptr) error {
	device.Lock()
	defer device.Unlock()
	if C.emu_free(C.uintptr_t(p)) != 0 {
		return errors.New("free of memory that was not allocated")
	}
	return nil
}

func (*emulated) memory() (free, total int64, err error) {
	device.Lock()
	defer device.Unlock()
	var f, t C.size_t
	C.emu_memory(&f, &t)
	return int64(f), int64(t), nil
}

func (e *emulated) upload(dst Ptr, src unsafe.Pointer, bytes int) error {
	if err := e.hostMay(dst, bytes); err != nil {
		return err
	}
	copy(hostBytes(at(dst), bytes), hostBytes(src, bytes))
	return nil
}

func (e *emulated) download(dst unsafe.Pointer, src Ptr, bytes int) error {
	if err := e.hostMay(src, bytes); err != nil {
		return err
	}
	copy(hostBytes(dst, bytes), hostBytes(at(src), bytes))
	return nil
}

func (e *emulated) copy(dst, src Ptr, bytes int) error {
	if e.capturing {
		e.capture(func() error { return e.copy(dst, src, bytes) })
		return nil
	}
	if err := within(src, bytes); err != nil {
		return err
	}
	if err := within(dst, bytes); err != nil {
		return err
	}
	copy(hostBytes(at(dst), bytes), hostBytes(at(src), bytes))
	return nil
}

func (e *emulated) set(dst Ptr, value byte, bytes int) error {
	if e.capturing {
		e.capture(func() error { return e.set(dst, value, bytes) })
		return nil
	}
	if err := within(dst, bytes); err != nil {
		return err
	}
	C.memset(at(dst), C.int(value), C.size_t(bytes))
	return nil
}

func (*emulated) view(p Ptr, bytes int) {
	device.Lock()
	defer device.Unlock()
	C.emu_view(C.uintptr_t(p), C.size_t(bytes))
}

func (*emulated) kernel(name string) (kernel, error) {
	cname := C.CString(name)
	defer C.free(unsafe.Pointer(cname))
	k := C.emu_kernel(cname)
	if k < 0 {
		return 0, fmt.Errorf("no kernel %s", name)
	}
	return kernel(k), nil
}

func (e *emulated) launch(k kernel, grid Dim, threads, shared int, args []uint64) error {
	if e.capturing {
		kept := append([]uint64(nil), args...)
		e.capture(func() error { return run(k, grid, threads, shared, kept) })
		return nil
	}
	return run(k, grid, threads, shared, args)
}

func run(k kernel, grid Dim, threads, shared int, args []uint64) error {
	device.Lock()
	defer device.Unlock()
	failed := C.emu_launch(C.int(k), C.emu_dim{C.uint32_t(grid.X), C.uint32_t(grid.Y), C.uint32_t(grid.Z)},
		C.emu_dim{C.uint32_t(threads), 1, 1}, C.size_t(shared), (*C.uint64_t)(unsafe.SliceData(args)), C.int(len(args)))
	if failed != 0 {
		return errors.New(C.GoString(C.emu_fault_text()))
	}
	return nil
}

func (e *emulated) sync() error {
	if e.capturing {
		return errors.New("synchronisation while capturing")
	}
	return nil
}

func (e *emulated) event() (event, error) {
	e.times = append(e.times, time.Time{})
	return event(len(e.times) - 1), nil
}

func (e *emulated) record(ev event) error {
	e.times[ev] = time.Now()
	return nil
}

func (e *emulated) elapsed(from, to event) (float64, error) {
	return e.times[to].Sub(e.times[from]).Seconds(), nil
}

func (e *emulated) beginCapture() error {
	e.capturing, e.captured = true, nil
	return nil
}

func (e *emulated) endCapture() (graph, error) {
	e.capturing = false
	e.graphs = append(e.graphs, e.captured)
	return graph(len(e.graphs) - 1), nil
}

func (e *emulated) replay(g graph) error {
	for _, work := range e.graphs[g] {
		if err := work(); err != nil {
			return err
		}
	}
	return nil
}

func (e *emulated) freeGraph(g graph) { e.graphs[g] = nil }

func (*emulated) blas() (blas, error) { return nil, errNoBLAS }

func (e *emulated) capture(work func() error) { e.captured = append(e.captured, work) }

// hostMay says why a copy between host and device may not be.
func (e *emulated) hostMay(p Ptr, bytes int) error {
	if e.capturing {
		return errors.New("copy between host and device while capturing")
	}
	return within(p, bytes)
}

func within(p Ptr, bytes int) error {
	device.Lock()
	defer device.Unlock()
	if C.emu_valid(C.uintptr_t(p), C.size_t(bytes)) == 0 {
		return fmt.Errorf("copy of %d bytes outside a live buffer", bytes)
	}
	return nil
}

func hostBytes(p unsafe.Pointer, n int) []byte { return unsafe.Slice((*byte)(p), n) }

func at(p Ptr) unsafe.Pointer { return *(*unsafe.Pointer)(unsafe.Pointer(&p)) }

// Emulator reaches into the emulated device; tests use it to show that it finds what it should.
type Emulator struct{}

// Seed sets the order in which blocks, warps and threads run.
func (Emulator) Seed(seed uint64) {
	device.Lock()
	defer device.Unlock()
	C.emu_seed(C.uint64_t(seed))
}

// Strict makes the device hold kernels to the views that Device.View has told it of: an allocation of which views were taken
// is only accessible inside them.
func (Emulator) Strict(on bool) {
	device.Lock()
	defer device.Unlock()
	C.emu_strict(C.int(b2i(on)))
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Kernels are the names of all kernels.
func (Emulator) Kernels() []string {
	var names []string
	for i := range int(C.emu_kernel_count()) {
		names = append(names, C.GoString(C.emu_kernel_name(C.int(i))))
	}
	return names
}

// Barriers are the places (file:line) met so far where threads wait for each other.
func (Emulator) Barriers() []string {
	device.Lock()
	defer device.Unlock()
	var sites []string
	for i := range int(C.emu_site_count()) {
		sites = append(sites, C.GoString(C.emu_site_text(C.int(i))))
	}
	slices.Sort(sites)
	return slices.Compact(sites)
}

// SkipBarrier makes threads pass one such place without waiting, as if it had been deleted; "" restores all.
func (Emulator) SkipBarrier(site string) {
	text := C.CString(site)
	defer C.free(unsafe.Pointer(text))
	device.Lock()
	defer device.Unlock()
	C.emu_skip_site(text)
}
