//go:build cuda && !cudaemu

package nvidia

import (
	"errors"
	"unsafe"

	"gorgonia.org/cu"

	"dmtrain/internal/gpu/driver"
	"dmtrain/internal/gpu/heap"
)

// newHeap hands out parts of what the driver allocates in large chunks.
func newHeap() *heap.Heap {
	return heap.New(func(bytes int64) (driver.Ptr, error) {
		p, err := cu.MemAlloc(bytes)
		return driver.Ptr(p), err
	}, func(p driver.Ptr) error { return cu.MemFree(cu.DevicePtr(p)) })
}

func (d *device) Alloc(bytes int64) (driver.Ptr, error) {
	release, err := d.bind()
	if err != nil {
		return 0, err
	}
	defer release()
	if d.capturing {
		return 0, errors.New("allocation while capturing")
	}
	p, err := d.heap.Alloc(bytes)
	if err == cu.OutOfMemory {
		free, total, infoErr := cu.MemInfo()
		if infoErr != nil {
			return 0, infoErr
		}
		return 0, &driver.OutOfMemory{Asked: bytes, Free: free + d.heap.Unused(), Total: total}
	}
	return p, err
}

func (d *device) Free(p driver.Ptr) error { return d.heap.Free(p) }

func (d *device) Memory() (free, total int64, err error) {
	release, err := d.bind()
	if err != nil {
		return 0, 0, err
	}
	defer release()
	free, total, err = cu.MemInfo()
	return free + d.heap.Unused(), total, err
}

func (d *device) Upload(dst driver.Ptr, src unsafe.Pointer, bytes int) error {
	release, err := d.bind()
	if err != nil {
		return err
	}
	defer release()
	if d.capturing {
		return errors.New("copy from the host while capturing")
	}
	// it may wait, and meet a kernel's fault
	return d.fault(d.staging.upload(d.stream, dst, unsafe.Slice((*byte)(src), bytes)))
}

func (d *device) Download(dst unsafe.Pointer, src driver.Ptr, bytes int) error {
	release, err := d.bind()
	if err != nil {
		return err
	}
	defer release()
	if d.capturing {
		return errors.New("copy to the host while capturing")
	}
	return d.fault(d.staging.download(d.stream, unsafe.Slice((*byte)(dst), bytes), src))
}

func (d *device) Copy(dst, src driver.Ptr, bytes int) error {
	release, err := d.bind()
	if err != nil {
		return err
	}
	defer release()
	return cu.MemcpyDtoDAsync(cu.DevicePtr(dst), cu.DevicePtr(src), int64(bytes), d.stream)
}

func (d *device) Set(dst driver.Ptr, value byte, bytes int) error {
	release, err := d.bind()
	if err != nil {
		return err
	}
	defer release()
	return cu.MemsetD8Async(cu.DevicePtr(dst), value, int64(bytes), d.stream)
}

func (*device) View(driver.Ptr, int) {}
