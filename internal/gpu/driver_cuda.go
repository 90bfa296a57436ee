//go:build cuda && !cudaemu

package gpu

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
)

// DriverName says which driver this program was built with.
const DriverName = CUDA

const (
	// The PTX is that of CUDA 11.8, for compute capability 8.0.
	driverVersion = 11080
	capability    = 80
	// So many launches are remembered at most, for the message of a fault.
	mostSince = 1 << 12
)

// real is a device behind gorgonia.org/cu. A CUDA context is current to an OS thread, so every method locks its goroutine to
// one and makes the context current there.
type real struct {
	props     Properties
	ctx       cu.CUContext
	stream    cu.Stream
	modules   []cu.Module
	functions []function
	pool      *pool
	staging   *staging
	events    []cu.Event
	graphs    []captured
	argv      [MaxArgs]uint64
	argp      [MaxArgs]unsafe.Pointer
	since     []string // kernels launched since the last synchronisation
	stepwise  bool     // synchronise after every launch, to learn which kernel fails
	capturing bool
}

type function struct {
	name   string
	fn     cu.Function
	shared int // dynamic shared memory it has been allowed
}

// start loads the driver's library and initialises it.
func start() error {
	why := (*C.char)(C.calloc(1, 256))
	defer C.free(unsafe.Pointer(why))
	if C.dm_libcuda_open(why, 256) != 0 {
		return fmt.Errorf("%w: the NVIDIA driver is not installed (%s)", ErrUnavailable, C.GoString(why))
	}
	switch code := C.dm_cuda_init(); code {
	case C.CUDA_SUCCESS:
	case C.CUDA_ERROR_NO_DEVICE:
		return fmt.Errorf("%w: the NVIDIA driver finds no device", ErrUnavailable)
	default:
		return fmt.Errorf("%w: the NVIDIA driver does not start: %s", ErrUnavailable, reason(C.CUresult(code)))
	}
	if v := cu.Version(); v < driverVersion {
		return fmt.Errorf("%w: the NVIDIA driver supports CUDA %s, the kernels need %s (driver 520 or later)", ErrUnavailable, dotted(v), dotted(driverVersion))
	}
	return nil
}

// reason is the driver's text for a code.
func reason(code C.CUresult) string { return C.GoString(C.error_text(code)) }

func dotted(version int) string { return fmt.Sprintf("%d.%d", version/1000, version%1000/10) }

// Devices lists the devices there are.
func Devices() ([]Properties, error) {
	if err := start(); err != nil {
		return nil, err
	}
	n, err := cu.NumDevices()
	if err != nil {
		return nil, err
	}
	var all []Properties
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

func describe(dev cu.Device) (p Properties, err error) {
	if p.Name, err = dev.Name(); err != nil {
		return p, err
	}
	p.Name, p.Driver = strings.TrimRight(p.Name, "\x00"), dotted(cu.Version())
	if p.Memory, err = dev.TotalMem(); err != nil {
		return p, err
	}
	for attribute, to := range map[cu.DeviceAttribute]*int{
		cu.ComputeCapabilityMajor: &p.Major, cu.ComputeCapabilityMinor: &p.Minor, cu.MultiprocessorCount: &p.Processors,
	} {
		if *to, err = dev.Attribute(attribute); err != nil {
			return p, err
		}
	}
	return p, nil
}

func openDriver(ordinal int, modules []Module) (driver, error) {
	if err := start(); err != nil {
		return nil, err
	}
	n, err := cu.NumDevices()
	if err != nil {
		return nil, err
	}
	if ordinal < 0 || ordinal >= n {
		return nil, fmt.Errorf("%w: device %d asked, there are %d, counted from 0", ErrUnavailable, ordinal, n)
	}
	dev, err := cu.GetDevice(ordinal)
	if err != nil {
		return nil, err
	}
	r := &real{stepwise: os.Getenv("DMTRAIN_GPU_SYNC") != ""}
	if r.props, err = describe(dev); err != nil {
		return nil, err
	}
	if 10*r.props.Major+r.props.Minor < capability {
		return nil, fmt.Errorf("%w: %s has compute capability %d.%d, the kernels need 8.0", ErrUnavailable, r.props.Name, r.props.Major, r.props.Minor)
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if r.ctx, err = dev.MakeContext(cu.SchedAuto); err != nil {
		return nil, err
	}
	if err := r.setUp(modules); err != nil {
		return nil, errors.Join(err, r.close())
	}
	return r, nil
}

func (r *real) setUp(modules []Module) (err error) {
	if r.stream, err = cu.MakeStream(cu.NonBlocking); err != nil {
		return err
	}
	for _, m := range modules {
		loaded, err := cu.LoadData(m.PTX)
		if err != nil {
			return fmt.Errorf("loading the kernels of %s: %w", m.Name, err)
		}
		r.modules = append(r.modules, loaded)
	}
	for i := range r.argv {
		r.argp[i] = unsafe.Pointer(&r.argv[i])
	}
	r.pool = newPool(func(bytes int64) (Ptr, error) {
		p, err := cu.MemAlloc(bytes)
		return Ptr(p), err
	}, func(p Ptr) error { return cu.MemFree(cu.DevicePtr(p)) })
	r.staging, err = newStaging()
	return err
}

// bind makes the context current; what it returns undoes the lock.
func (r *real) bind() (func(), error) {
	runtime.LockOSThread()
	if err := cu.SetCurrentContext(r.ctx); err != nil {
		runtime.UnlockOSThread()
		return nil, err
	}
	return runtime.UnlockOSThread, nil
}

func (r *real) properties() Properties { return r.props }

func (r *real) close() error {
	release, err := r.bind()
	if err != nil {
		return err
	}
	defer release()
	if r.staging != nil {
		r.staging.close()
	}
	return r.ctx.Destroy() // and with it its modules, memory, events and streams
}

func (r *real) alloc(bytes int64) (Ptr, error) {
	release, err := r.bind()
	if err != nil {
		return 0, err
	}
	defer release()
	if r.capturing {
		return 0, errors.New("allocation while capturing")
	}
	p, err := r.pool.alloc(bytes)
	if err == cu.OutOfMemory {
		free, total, infoErr := cu.MemInfo()
		if infoErr != nil {
			return 0, infoErr
		}
		return 0, &OutOfMemory{Asked: bytes, Free: free + r.pool.unused(), Total: total}
	}
	return p, err
}

func (r *real) free(p Ptr) error { return r.pool.free(p) }

func (r *real) memory() (free, total int64, err error) {
	release, err := r.bind()
	if err != nil {
		return 0, 0, err
	}
	defer release()
	free, total, err = cu.MemInfo()
	return free + r.pool.unused(), total, err
}

func (r *real) upload(dst Ptr, src unsafe.Pointer, bytes int) error {
	release, err := r.bind()
	if err != nil {
		return err
	}
	defer release()
	if r.capturing {
		return errors.New("copy from the host while capturing")
	}
	return r.fault(r.staging.upload(r.stream, dst, unsafe.Slice((*byte)(src), bytes))) // it may wait, and meet a kernel's fault
}

func (r *real) download(dst unsafe.Pointer, src Ptr, bytes int) error {
	release, err := r.bind()
	if err != nil {
		return err
	}
	defer release()
	if r.capturing {
		return errors.New("copy to the host while capturing")
	}
	return r.fault(r.staging.download(r.stream, unsafe.Slice((*byte)(dst), bytes), src))
}

func (r *real) copy(dst, src Ptr, bytes int) error {
	release, err := r.bind()
	if err != nil {
		return err
	}
	defer release()
	return cu.MemcpyDtoDAsync(cu.DevicePtr(dst), cu.DevicePtr(src), int64(bytes), r.stream)
}

func (r *real) set(dst Ptr, value byte, bytes int) error {
	release, err := r.bind()
	if err != nil {
		return err
	}
	defer release()
	return cu.MemsetD8Async(cu.DevicePtr(dst), value, int64(bytes), r.stream)
}

func (*real) view(Ptr, int) {}

func (r *real) kernel(name string) (kernel, error) {
	release, err := r.bind()
	if err != nil {
		return 0, err
	}
	defer release()
	for _, m := range r.modules {
		if fn, err := m.Function(name); err == nil {
			r.functions = append(r.functions, function{name: name, fn: fn})
			return kernel(len(r.functions) - 1), nil
		}
	}
	return 0, fmt.Errorf("no kernel %s", name)
}

func (r *real) launch(k kernel, grid Dim, threads, shared int, args []uint64) error {
	release, err := r.bind()
	if err != nil {
		return err
	}
	defer release()
	f := &r.functions[k]
	if shared > f.shared {
		// cu.Function holds a CUfunction and nothing else.
		if code := C.cuFuncSetAttribute(*(*C.CUfunction)(unsafe.Pointer(&f.fn)), C.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, C.int(shared)); code != C.CUDA_SUCCESS {
			return fmt.Errorf("kernel %s: %d bytes of shared memory: %s", f.name, shared, reason(code))
		}
		f.shared = shared
	}
	n := copy(r.argv[:], args)
	if err := f.fn.Launch(grid.X, grid.Y, grid.Z, threads, 1, 1, shared, r.stream, r.argp[:n]); err != nil {
		return fmt.Errorf("kernel %s, grid (%d,%d,%d) of %d threads: %w", f.name, grid.X, grid.Y, grid.Z, threads, err)
	}
	r.launched(f.name)
	if r.stepwise {
		return r.wait()
	}
	return nil
}

func (r *real) sync() error {
	release, err := r.bind()
	if err != nil {
		return err
	}
	defer release()
	if r.capturing {
		return errors.New("synchronisation while capturing")
	}
	return r.wait()
}

func (r *real) wait() error {
	err := r.fault(r.stream.Synchronize())
	r.since = r.since[:0]
	return err
}

// launched notes kernels down, up to a number.
func (r *real) launched(names ...string) {
	if len(r.since)+len(names) <= max(cap(r.since), mostSince) {
		r.since = append(r.since, names...)
	}
}

// fault says which kernels an asynchronous error may come from. The context is lost then: every later call fails too.
func (r *real) fault(err error) error {
	switch {
	case err == nil:
		return nil
	case len(r.since) == 0:
		return err
	case len(r.since) == 1:
		return fmt.Errorf("kernel %s: %w", r.since[0], err)
	}
	var names []string
	seen := map[string]bool{}
	for _, n := range r.since {
		if !seen[n] {
			seen[n] = true
			names = append(names, n)
		}
	}
	return fmt.Errorf("%w, in one of the kernels %s; with DMTRAIN_GPU_SYNC=1 the very one is named", err, strings.Join(names, ", "))
}

func (r *real) event() (event, error) {
	release, err := r.bind()
	if err != nil {
		return 0, err
	}
	defer release()
	e, err := cu.MakeEvent(cu.DefaultEvent)
	if err != nil {
		return 0, err
	}
	r.events = append(r.events, e)
	return event(len(r.events) - 1), nil
}

func (r *real) record(e event) error {
	release, err := r.bind()
	if err != nil {
		return err
	}
	defer release()
	return r.events[e].Record(r.stream)
}

func (r *real) elapsed(from, to event) (float64, error) {
	release, err := r.bind()
	if err != nil {
		return 0, err
	}
	defer release()
	ms, err := r.events[from].Elapsed(r.events[to])
	return ms / 1000, err
}
