package gpu

import (
	"fmt"
	"math"
	"unsafe"

	"dmtrain/internal/gpu/driver"
)

// Device is an open device. It is used by one goroutine at a time.
type Device struct {
	drv     driver.Driver
	kernels map[string]driver.Kernel
	args    [MaxArgs]uint64
	err     error
	idle    bool   // nothing was asked since the last Sync
	asked   uint64 // how often something was
}

// Open opens a device by its ordinal and loads the modules onto it.
func Open(ordinal int, modules []Module) (*Device, error) {
	drv, err := openDriver(ordinal, modules)
	if err != nil {
		return nil, fmt.Errorf("gpu: %w", err)
	}
	return &Device{drv: drv, kernels: map[string]driver.Kernel{}}, nil
}

// Close gives the device back.
func (d *Device) Close() error { return d.drv.Close() }

// Properties describe the device.
func (d *Device) Properties() Properties { return d.drv.Properties() }

// Memory is how much is free and how much there is.
func (d *Device) Memory() (free, total int64, err error) { return d.drv.Memory() }

// Alloc returns bytes of memory, aligned to 256, whose content is undefined. The error is an *OutOfMemory when
// there is no room.
func (d *Device) Alloc(bytes int64) (Ptr, error) { return d.drv.Alloc(bytes) }

// Free gives memory back.
func (d *Device) Free(p Ptr) { d.check(d.drv.Free(p)) }

// Write copies host memory to the device. src may be reused on return.
func (d *Device) Write(dst Ptr, src unsafe.Pointer, bytes int) {
	if d.err == nil && bytes > 0 {
		d.check(d.drv.Upload(dst, src, bytes))
	}
}

// Read copies device memory to the host, once everything asked for before is done.
func (d *Device) Read(dst unsafe.Pointer, src Ptr, bytes int) error {
	if err := d.Sync(); err != nil || bytes == 0 {
		return err
	}
	err := d.drv.Download(dst, src, bytes)
	d.idle = err == nil // a device that is lost says so again
	return err
}

// Copy copies within the device.
func (d *Device) Copy(dst, src Ptr, bytes int) {
	if d.err == nil && bytes > 0 {
		d.check(d.drv.Copy(dst, src, bytes))
	}
}

// Set fills memory with a byte.
func (d *Device) Set(dst Ptr, value byte, bytes int) {
	if d.err == nil && bytes > 0 {
		d.check(d.drv.Set(dst, value, bytes))
	}
}

// View says that memory from p on serves as a buffer of its own. Only the emulated device takes note: told to be
// strict, it lets kernels touch nothing between the views of an allocation.
func (d *Device) View(p Ptr, bytes int) { d.drv.View(p, bytes) }

// Float is a float32 as a kernel argument. Integers and addresses are their own 64-bit form.
func Float(f float32) uint64 { return uint64(math.Float32bits(f)) }

// Launch runs a kernel: a grid of blocks of that many threads, with that many bytes of dynamic shared memory each.
func (d *Device) Launch(name string, grid Dim, threads, shared int, args ...uint64) {
	if d.err != nil {
		return
	}
	k, err := d.kernel(name)
	if err != nil {
		d.check(err)
		return
	}
	n := copy(d.args[:], args)
	if n < len(args) {
		panic("gpu: too many kernel arguments")
	}
	d.check(d.drv.Launch(k, grid, threads, shared, d.args[:n]))
}

// Has reports whether the device has a kernel of that name.
func (d *Device) Has(name string) bool {
	_, err := d.kernel(name)
	return err == nil
}

func (d *Device) kernel(name string) (driver.Kernel, error) {
	if k, ok := d.kernels[name]; ok {
		return k, nil
	}
	k, err := d.drv.Kernel(name)
	if err == nil {
		d.kernels[name] = k
	}
	return k, err
}

// Sync waits for everything asked for so far and returns the first fault since the last Sync.
func (d *Device) Sync() error {
	if d.Idle() {
		return nil
	}
	err := d.err
	if e := d.drv.Sync(); err == nil && e != nil {
		err = fmt.Errorf("gpu: %w", e)
	}
	d.err, d.idle = nil, err == nil
	return err
}

// Idle reports whether nothing was asked since the last Sync, which found no fault.
func (d *Device) Idle() bool { return d.idle && d.err == nil }

// Asked counts what was asked of the device, so that somebody who looks for more than Sync does knows when to look
// again.
func (d *Device) Asked() uint64 { return d.asked }

// Fail makes err the fault that the next Sync returns, unless there is one already.
func (d *Device) Fail(err error) {
	if d.err == nil {
		d.err = err
	}
}

// check takes what came of asking the driver for something.
func (d *Device) check(err error) {
	d.idle = false
	d.asked++
	if err != nil && d.err == nil {
		d.err = fmt.Errorf("gpu: %w", err)
	}
}

// Graph is a captured sequence of work that is replayed as one.
type Graph struct {
	d *Device
	g driver.Graph
}

// Capture records what work asks of the device (without doing it) as a graph. Within it nothing may be
// allocated, written from or read to the host, or waited for.
func (d *Device) Capture(work func()) (*Graph, error) {
	if err := d.Sync(); err != nil {
		d.Fail(err) // of earlier work, whose caller is to learn of it
		return nil, err
	}
	if err := d.drv.BeginCapture(); err != nil {
		return nil, fmt.Errorf("gpu: capture: %w", err)
	}
	work()
	g, err := d.drv.EndCapture()
	if d.err != nil {
		err, d.err = d.err, nil
	}
	if err != nil {
		return nil, fmt.Errorf("gpu: capture: %w", err)
	}
	return &Graph{d, g}, nil
}

// Replay does the captured work again.
func (g *Graph) Replay() {
	if g.d.err == nil {
		g.d.check(g.d.drv.Replay(g.g))
	}
}

// Free gives the graph back.
func (g *Graph) Free() { g.d.drv.FreeGraph(g.g) }
