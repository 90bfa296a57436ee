// Package driver says what a kind of CUDA device must be able to do, and in which words. Package gpu stands on it;
// packages nvidia and emulator are its two kinds.
//
// # Vocabulary
//
//   - A kernel, an event or a graph is known by its handle, an index into the driver's own table.
//   - Work is asked for in order and done in that order; calls return before it is done, Sync waits.
//   - Capturing records work as a graph instead of doing it. Within it nothing is allocated, waited for or copied from or to the host.
package driver

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

// MaxArgs is how many arguments a kernel may take.
const MaxArgs = 48

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

// MatMul is C = op(A)·op(B) + Bias + Add for dense row-major matrices, op(A) being M×K and op(B) K×N, summed in
// float32.
type MatMul struct {
	A, B, C        Ptr
	M, N, K        int
	TransA, TransB bool // the matrix lies in memory as its transpose
	BF16           bool // A and B are bfloat16, else float32
	BF16C          bool // C is bfloat16, else float32
	Add            Ptr  // of C's type (M, N), may be C; 0 for none
	Bias           Ptr  // of C's type (N), added to every row; 0 for none
}

// Handles into a driver's own tables.
type (
	Kernel int
	Event  int
	Graph  int
)

// Driver is an open device. It reports what went wrong with a call and no more; package gpu looks after what
// follows from it.
type Driver interface {
	Properties() Properties
	Close() error

	// Alloc returns bytes aligned to 256; the error is an *OutOfMemory when there is no room.
	Alloc(bytes int64) (Ptr, error)
	Free(p Ptr) error
	Memory() (free, total int64, err error)
	Upload(dst Ptr, src unsafe.Pointer, bytes int) error // src may be reused on return
	Download(dst unsafe.Pointer, src Ptr, bytes int) error
	Copy(dst, src Ptr, bytes int) error
	Set(dst Ptr, value byte, bytes int) error
	View(p Ptr, bytes int) // memory from p on serves as a buffer of its own

	Kernel(name string) (Kernel, error)
	Launch(k Kernel, grid Dim, threads, shared int, args []uint64) error
	Sync() error

	NewEvent() (Event, error)
	Record(e Event) error
	Elapsed(from, to Event) (seconds float64, err error) // both have passed

	BeginCapture() error
	EndCapture() (Graph, error)
	Replay(g Graph) error
	FreeGraph(g Graph)

	// OpenBLAS opens the device's library of matrix products.
	OpenBLAS() (BLAS, error)
}

// BLAS is a library of matrix products.
type BLAS interface {
	Name() string
	MatMul(m MatMul) error
	Close()
}

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
