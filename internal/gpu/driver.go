package gpu

import (
	"errors"
	"fmt"
	"unsafe"
)

// Ptr is an address in a device's memory; 0 is none.
type Ptr uint64

// Dim is the number of blocks of a grid in each direction.
type Dim struct{ X, Y, Z int }

// Module is a set of kernels as PTX, the assembly language that a driver compiles for its device.
type Module struct {
	Name string
	PTX  string
}

// Properties describe a device.
type Properties struct {
	Name       string `json:"name"`
	Major      int    `json:"major"` // compute capability
	Minor      int    `json:"minor"`
	Memory     int64  `json:"memory"`     // bytes
	Processors int    `json:"processors"` // streaming multiprocessors
	Driver     string `json:"driver"`     // the CUDA version that its driver supports
	Emulated   bool   `json:"emulated"`
}

// What DriverName may be.
const (
	None      = "none"     // this program was built without
	CUDA      = "cuda"     // it drives GPUs
	Emulation = "emulated" // its device is emulated
)

// ErrUnavailable is wrapped by every error that means "there is no GPU to be had here", as opposed to one that fails.
var ErrUnavailable = errors.New("no usable GPU")

// OutOfMemory says what was asked and what there was.
type OutOfMemory struct{ Asked, Free, Total int64 }

func (e *OutOfMemory) Error() string {
	return fmt.Sprintf("out of device memory: %s asked, %s free of %s", size(e.Asked), size(e.Free), size(e.Total))
}

func size(bytes int64) string {
	switch {
	case bytes >= 1<<30:
		return fmt.Sprintf("%.2f GiB", float64(bytes)/(1<<30))
	case bytes >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(bytes)/(1<<20))
	}
	return fmt.Sprintf("%d bytes", bytes)
}

// driver is what a kind of device must be able to do. Device looks after errors, names and times, so a driver
// reports what went wrong with this call and no more.
type driver interface {
	properties() Properties
	close() error

	alloc(bytes int64) (Ptr, error)
	free(p Ptr) error
	memory() (free, total int64, err error)
	upload(dst Ptr, src unsafe.Pointer, bytes int) error // src may be reused on return
	download(dst unsafe.Pointer, src Ptr, bytes int) error
	copy(dst, src Ptr, bytes int) error
	set(dst Ptr, value byte, bytes int) error

	view(p Ptr, bytes int)

	kernel(name string) (kernel, error)
	launch(k kernel, grid Dim, threads, shared int, args []uint64) error
	sync() error

	event() (event, error)
	record(e event) error
	elapsed(from, to event) (seconds float64, err error) // both have passed

	beginCapture() error
	endCapture() (graph, error)
	replay(g graph) error
	freeGraph(g graph)

	blas() (blas, error)
}

// blas is a library of matrix products.
type blas interface {
	name() string
	matmul(p Product) error
	close()
}

// Handles into a driver's own tables.
type (
	kernel int
	event  int
	graph  int
)
