//go:build cuda && !cudaemu

package nvidia

/*
#cgo LDFLAGS: -Wl,--as-needed -ldl
#include <stdlib.h>
#include <cuda.h>
#include "libcuda.h"

static const char *error_text(CUresult code) {
	const char *text = NULL;
	cuGetErrorString(code, &text);
	return text ? text : "unknown error";
}
*/
import "C"

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"unsafe"

	"gorgonia.org/cu"

	"dmtrain/internal/gpu/driver"
	"dmtrain/internal/gpu/heap"
)

// The PTX is that of CUDA 11.8, for compute capability 8.0.
const (
	driverVersion = 11080
	capability    = 80
)

// device is a CUDA context. One is current to an OS thread, so every method locks its goroutine to a thread and makes
// the context current there.
type device struct {
	props     driver.Properties
	ctx       cu.CUContext
	stream    cu.Stream
	modules   []cu.Module
	functions []function
	heap      *heap.Heap
	staging   *staging
	events    []cu.Event
	graphs    []captured
	argv      [driver.MaxArgs]uint64
	argp      [driver.MaxArgs]unsafe.Pointer
	since     []string // kernels launched since the last synchronisation
	stepwise  bool     // synchronise after every launch, to learn which kernel fails
	capturing bool
}

// start loads the driver's library and initialises it.
func start() error {
	why := (*C.char)(C.calloc(1, 256))
	defer C.free(unsafe.Pointer(why))
	if C.dm_libcuda_open(why, 256) != 0 {
		return fmt.Errorf("%w: the NVIDIA driver is not installed (%s)", driver.ErrUnavailable, C.GoString(why))
	}
	switch code := C.dm_cuda_init(); code {
	case C.CUDA_SUCCESS:
	case C.CUDA_ERROR_NO_DEVICE:
		return fmt.Errorf("%w: the NVIDIA driver finds no device", driver.ErrUnavailable)
	default:
		return fmt.Errorf("%w: the NVIDIA driver does not start: %s", driver.ErrUnavailable, reason(C.CUresult(code)))
	}
	if v := cu.Version(); v < driverVersion {
		return fmt.Errorf("%w: the NVIDIA driver supports CUDA %s, the kernels need %s (driver 520 or later)",
			driver.ErrUnavailable, dotted(v), dotted(driverVersion))
	}
	return nil
}

// reason is the driver's text for a code.
func reason(code C.CUresult) string { return C.GoString(C.error_text(code)) }

func dotted(version int) string { return fmt.Sprintf("%d.%d", version/1000, version%1000/10) }

// Devices lists the devices there are.
func Devices() ([]driver.Properties, error) {
	if err := start(); err != nil {
		return nil, err
	}
	n, err := cu.NumDevices()
	if err != nil {
		return nil, err
	}
	var all []driver.Properties
	for i := range n {
		dev, err := cu.GetDevice(i)
		if err != nil {
			return nil, err
		}
		p, err := describe(dev)
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return all, nil
}

func describe(dev cu.Device) (p driver.Properties, err error) {
	if p.Name, err = dev.Name(); err != nil {
		return p, err
	}
	p.Name, p.Driver = strings.TrimRight(p.Name, "\x00"), dotted(cu.Version())
	if p.Memory, err = dev.TotalMem(); err != nil {
		return p, err
	}
	for attribute, to := range map[cu.DeviceAttribute]*int{
		cu.ComputeCapabilityMajor: &p.Major,
		cu.ComputeCapabilityMinor: &p.Minor,
		cu.MultiprocessorCount:    &p.Processors,
	} {
		if *to, err = dev.Attribute(attribute); err != nil {
			return p, err
		}
	}
	return p, nil
}

// Open opens a device by its ordinal and loads the modules onto it.
func Open(ordinal int, modules []driver.Module) (driver.Driver, error) {
	if err := start(); err != nil {
		return nil, err
	}
	n, err := cu.NumDevices()
	if err != nil {
		return nil, err
	}
	if ordinal < 0 || ordinal >= n {
		return nil, fmt.Errorf("%w: device %d asked, there are %d, counted from 0", driver.ErrUnavailable, ordinal, n)
	}
	dev, err := cu.GetDevice(ordinal)
	if err != nil {
		return nil, err
	}
	d := &device{stepwise: os.Getenv("DMTRAIN_GPU_SYNC") != ""}
	if d.props, err = describe(dev); err != nil {
		return nil, err
	}
	if 10*d.props.Major+d.props.Minor < capability {
		return nil, fmt.Errorf("%w: %s has compute capability %d.%d, the kernels need 8.0",
			driver.ErrUnavailable, d.props.Name, d.props.Major, d.props.Minor)
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if d.ctx, err = dev.MakeContext(cu.SchedAuto); err != nil {
		return nil, err
	}
	if err := d.setUp(modules); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

func (d *device) setUp(modules []driver.Module) (err error) {
	if d.stream, err = cu.MakeStream(cu.NonBlocking); err != nil {
		return err
	}
	for _, m := range modules {
		loaded, err := cu.LoadData(m.PTX)
		if err != nil {
			return fmt.Errorf("loading the kernels of %s: %w", m.Name, err)
		}
		d.modules = append(d.modules, loaded)
	}
	for i := range d.argv {
		d.argp[i] = unsafe.Pointer(&d.argv[i])
	}
	d.heap = newHeap()
	d.staging, err = newStaging()
	return err
}

// bind makes the context current; what it returns undoes the lock.
func (d *device) bind() (func(), error) {
	runtime.LockOSThread()
	if err := cu.SetCurrentContext(d.ctx); err != nil {
		runtime.UnlockOSThread()
		return nil, err
	}
	return runtime.UnlockOSThread, nil
}

func (d *device) Properties() driver.Properties { return d.props }

func (d *device) Close() error {
	release, err := d.bind()
	if err != nil {
		return err
	}
	defer release()
	if d.staging != nil {
		d.staging.close()
	}
	return d.ctx.Destroy() // and with it its modules, memory, events and streams
}
