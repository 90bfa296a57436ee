//go:build cudaemu

package emulator

// The kernels are compiled for the emulated device from the very sources that nvcc compiles. The copies *.cu.h and
// *.cuh.h stand here only so that the go command sees when one of them changes.

/*
#cgo CFLAGS: -O2
#cgo CXXFLAGS: -O2 -std=c++17 -fsanitize=thread -fno-exceptions -Wall -Wextra -Wno-unknown-pragmas -DDMTRAIN_EMULATED -I${SRCDIR} -I${SRCDIR}/../../../kernels
#cgo LDFLAGS: -lm
#include <stdlib.h>
#include <string.h>
#include "emu.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"sync"
	"syscall"
	"time"
	"unsafe"

	"dmtrain/internal/gpu/driver"
)

const memoryBytes = 8 << 30

// errNoBLAS leaves matrix products to the project's own kernels.
var errNoBLAS = errors.New("no library of matrix products on this device")

// machine is the one emulated device there is. Its runtime is single-threaded, so whoever enters it holds the lock.
var machine struct {
	sync.Mutex
	open bool
}

// device is one user's view of the device. While capturing, work goes to its list instead of being done.
type device struct {
	times     []time.Time
	graphs    [][]func() error
	capturing bool
	captured  []func() error
}

// Open opens the device; its ordinal is 0.
func Open(ordinal int) (driver.Driver, error) {
	if ordinal != 0 {
		return nil, fmt.Errorf("%w: device %d asked, the emulated device is number 0", driver.ErrUnavailable, ordinal)
	}
	machine.Lock()
	defer machine.Unlock()
	if !machine.open {
		if errno := C.emu_open(memoryBytes); errno != 0 {
			return nil, fmt.Errorf("emulated device: %w", syscall.Errno(errno))
		}
		machine.open = true
	}
	return &device{}, nil
}

// Devices lists the devices there are.
func Devices() ([]driver.Properties, error) {
	return []driver.Properties{(&device{}).Properties()}, nil
}

func (*device) Properties() driver.Properties {
	return driver.Properties{
		Name:       "emulated device",
		Major:      8,
		Minor:      0,
		Memory:     memoryBytes,
		Processors: 1,
		Emulated:   true,
	}
}

func (*device) Close() error { return nil }

func (d *device) Alloc(bytes int64) (driver.Ptr, error) {
	if d.capturing {
		return 0, errors.New("allocation while capturing")
	}
	machine.Lock()
	defer machine.Unlock()
	p := C.emu_alloc(C.size_t(bytes))
	if p == 0 {
		var free, total C.size_t
		C.emu_memory(&free, &total)
		return 0, &driver.OutOfMemory{Asked: bytes, Free: int64(free), Total: int64(total)}
	}
	return driver.Ptr(p), nil
}

func (*device) Free(p driver.Ptr) error {
	machine.Lock()
	defer machine.Unlock()
	if C.emu_free(C.uintptr_t(p)) != 0 {
		return errors.New("free of memory that was not allocated")
	}
	return nil
}

func (*device) Memory() (free, total int64, err error) {
	machine.Lock()
	defer machine.Unlock()
	var f, t C.size_t
	C.emu_memory(&f, &t)
	return int64(f), int64(t), nil
}

func (d *device) Upload(dst driver.Ptr, src unsafe.Pointer, bytes int) error {
	if err := d.hostMay(dst, bytes); err != nil {
		return err
	}
	copy(hostBytes(at(dst), bytes), hostBytes(src, bytes))
	return nil
}

func (d *device) Download(dst unsafe.Pointer, src driver.Ptr, bytes int) error {
	if err := d.hostMay(src, bytes); err != nil {
		return err
	}
	copy(hostBytes(dst, bytes), hostBytes(at(src), bytes))
	return nil
}

func (d *device) Copy(dst, src driver.Ptr, bytes int) error {
	if d.capturing {
		d.capture(func() error { return d.Copy(dst, src, bytes) })
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

func (d *device) Set(dst driver.Ptr, value byte, bytes int) error {
	if d.capturing {
		d.capture(func() error { return d.Set(dst, value, bytes) })
		return nil
	}
	if err := within(dst, bytes); err != nil {
		return err
	}
	C.memset(at(dst), C.int(value), C.size_t(bytes))
	return nil
}

func (*device) View(p driver.Ptr, bytes int) {
	machine.Lock()
	defer machine.Unlock()
	C.emu_view(C.uintptr_t(p), C.size_t(bytes))
}

func (*device) Kernel(name string) (driver.Kernel, error) {
	cname := C.CString(name)
	defer C.free(unsafe.Pointer(cname))
	k := C.emu_kernel(cname)
	if k < 0 {
		return 0, fmt.Errorf("no kernel %s", name)
	}
	return driver.Kernel(k), nil
}

func (d *device) Launch(k driver.Kernel, grid driver.Dim, threads, shared int, args []uint64) error {
	if d.capturing {
		kept := append([]uint64(nil), args...)
		d.capture(func() error { return run(k, grid, threads, shared, kept) })
		return nil
	}
	return run(k, grid, threads, shared, args)
}

func run(k driver.Kernel, grid driver.Dim, threads, shared int, args []uint64) error {
	machine.Lock()
	defer machine.Unlock()
	failed := C.emu_launch(C.int(k), C.emu_dim{C.uint32_t(grid.X), C.uint32_t(grid.Y), C.uint32_t(grid.Z)},
		C.emu_dim{C.uint32_t(threads), 1, 1}, C.size_t(shared), (*C.uint64_t)(unsafe.SliceData(args)), C.int(len(args)))
	if failed != 0 {
		return errors.New(C.GoString(C.emu_fault_text()))
	}
	return nil
}

func (d *device) Sync() error {
	if d.capturing {
		return errors.New("synchronisation while capturing")
	}
	return nil
}

func (d *device) NewEvent() (driver.Event, error) {
	d.times = append(d.times, time.Time{})
	return driver.Event(len(d.times) - 1), nil
}

func (d *device) Record(e driver.Event) error {
	d.times[e] = time.Now()
	return nil
}

func (d *device) Elapsed(from, to driver.Event) (float64, error) {
	return d.times[to].Sub(d.times[from]).Seconds(), nil
}

func (d *device) BeginCapture() error {
	d.capturing, d.captured = true, nil
	return nil
}

func (d *device) EndCapture() (driver.Graph, error) {
	d.capturing = false
	d.graphs = append(d.graphs, d.captured)
	return driver.Graph(len(d.graphs) - 1), nil
}

func (d *device) Replay(g driver.Graph) error {
	for _, work := range d.graphs[g] {
		if err := work(); err != nil {
			return err
		}
	}
	return nil
}

func (d *device) FreeGraph(g driver.Graph) { d.graphs[g] = nil }

func (*device) OpenBLAS() (driver.BLAS, error) { return nil, errNoBLAS }

func (d *device) capture(work func() error) { d.captured = append(d.captured, work) }

// hostMay says why a copy between host and device may not be.
func (d *device) hostMay(p driver.Ptr, bytes int) error {
	if d.capturing {
		return errors.New("copy between host and device while capturing")
	}
	return within(p, bytes)
}

func within(p driver.Ptr, bytes int) error {
	machine.Lock()
	defer machine.Unlock()
	if C.emu_valid(C.uintptr_t(p), C.size_t(bytes)) == 0 {
		return fmt.Errorf("copy of %d bytes outside a live buffer", bytes)
	}
	return nil
}

func hostBytes(p unsafe.Pointer, n int) []byte { return unsafe.Slice((*byte)(p), n) }

func at(p driver.Ptr) unsafe.Pointer { return *(*unsafe.Pointer)(unsafe.Pointer(&p)) }
