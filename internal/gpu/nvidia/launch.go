//go:build cuda && !cudaemu

package nvidia

// #include <cuda.h>
import "C"

import (
	"errors"
	"fmt"
	"unsafe"

	"gorgonia.org/cu"

	"dmtrain/internal/gpu/driver"
)

type function struct {
	name   string
	fn     cu.Function
	shared int // dynamic shared memory it has been allowed
}

func (d *device) Kernel(name string) (driver.Kernel, error) {
	release, err := d.bind()
	if err != nil {
		return 0, err
	}
	defer release()
	for _, m := range d.modules {
		if fn, err := m.Function(name); err == nil {
			d.functions = append(d.functions, function{name: name, fn: fn})
			return driver.Kernel(len(d.functions) - 1), nil
		}
	}
	return 0, fmt.Errorf("no kernel %s", name)
}

func (d *device) Launch(k driver.Kernel, grid driver.Dim, threads, shared int, args []uint64) error {
	release, err := d.bind()
	if err != nil {
		return err
	}
	defer release()
	f := &d.functions[k]
	if err := f.allow(shared); err != nil {
		return err
	}
	n := copy(d.argv[:], args)
	if err := f.fn.Launch(grid.X, grid.Y, grid.Z, threads, 1, 1, shared, d.stream, d.argp[:n]); err != nil {
		return fmt.Errorf("kernel %s, grid (%d,%d,%d) of %d threads: %w", f.name, grid.X, grid.Y, grid.Z, threads, err)
	}
	d.launched(f.name)
	if d.stepwise {
		return d.wait()
	}
	return nil
}

// allow lets a function have that many bytes of dynamic shared memory; more than 48 KiB must be asked for.
func (f *function) allow(shared int) error {
	if shared <= f.shared {
		return nil
	}
	fn := *(*C.CUfunction)(unsafe.Pointer(&f.fn)) // cu.Function holds a CUfunction and nothing else
	code := C.cuFuncSetAttribute(fn, C.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, C.int(shared))
	if code != C.CUDA_SUCCESS {
		return fmt.Errorf("kernel %s: %d bytes of shared memory: %s", f.name, shared, reason(code))
	}
	f.shared = shared
	return nil
}

func (d *device) Sync() error {
	release, err := d.bind()
	if err != nil {
		return err
	}
	defer release()
	if d.capturing {
		return errors.New("synchronisation while capturing")
	}
	return d.wait()
}

func (d *device) wait() error {
	err := d.fault(d.stream.Synchronize())
	d.since = d.since[:0]
	return err
}
