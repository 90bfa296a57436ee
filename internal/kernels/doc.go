// Package kernels is the contract every backend keeps: the operations a Transformer's training step
// is made of, with their shapes, units and rounding.
//
// The same operations exist three times, as formula (ref), as fast CPU code (cpu) and as CUDA (cuda),
// and kernelstest holds them together. Whoever adds an operation here adds it to all three, to the table (Ops), to
// Observed, to the examples of package fixture and to the suite; tests name what is missing.
//
// # Conventions
//
//   - A call is one struct of arguments. Buffers come from the same backend's Memory. A wrong length or
//     type is a programmer's mistake and panics with a constant message ("kernels: short dst").
//   - Matrices are row-major and dense unless an argument is Strided.
//   - Outputs are assigned. An argument named Add is a term added to the result; it may be the output
//     itself, which makes the call an accumulation. Gradients of parameters always accumulate.
//   - Inputs are never written. Where an output may be the same buffer as an input, the doc says so.
//   - A nil optional buffer switches its part off.
//   - Results do not depend on the number of threads, and a row's result does not depend on how many other
//     rows the call has, so batches may be cut anywhere.
//   - Calls may be asynchronous. Sync waits, and returns the first fault since the last Sync. Download syncs.
//   - A steady-state call allocates nothing.
package kernels

import (
	"fmt"

	"dmtrain/internal/tensor"
)

// Buffer is a run of elements in a backend's memory.
type Buffer = tensor.Buffer

// Backend is everything a training step needs of a device.
type Backend interface {
	Memory
	Linear
	Embedding
	Norm
	Elementwise
	Masking
	Attention
	Loss
	Optim

	// Info says what this is, for logs and doctor.
	Info() Info
	Close() error
}

// Info describes an open backend.
type Info struct {
	Name    string // "cpu", "ref", "cuda:0"
	Path    string // which code runs: "avx512", "avx2", "neon", "generic"; on a GPU its compute capability
	Threads int    // worker threads; 1 where it has no meaning
	// TileQ and TileS are the attention tile's height in queries and width in keys: the unit in which
	// hidden work is skipped.
	TileQ, TileS int
	// BFloat16 says that activations and weights may be bfloat16, all of a call together. Gradients of parameters,
	// statistics of rows and losses are float32 either way.
	BFloat16 bool
	// NoGPU says why this is the CPU, where a GPU was looked for.
	NoGPU string
}

// Device names the device and what runs there: "cpu avx512", "cuda:0 sm_90".
func (i Info) Device() string { return i.Name + " " + i.Path }

// String is Device with its threads, where there are several: "cpu avx512, 2 threads".
func (i Info) String() string {
	if i.Threads > 1 {
		return fmt.Sprintf("%s, %d threads", i.Device(), i.Threads)
	}
	return i.Device()
}

// Memory owns buffers.
type Memory interface {
	// Alloc returns n zeroed elements, aligned to 256 bytes. It fails when the device has no room,
	// saying how much was asked and how much is free.
	Alloc(t tensor.DType, n int) (Buffer, error)
	// Free gives an allocated buffer back; every slice of it dies with it.
	Free(b Buffer)
	// Slice views n elements of type t inside b, from byte offset on, which is a multiple of 256 or
	// of the element size. Memory planning rests on it: one arena, many views.
	Slice(b Buffer, t tensor.DType, offset, n int) Buffer
	// Upload copies src, a []float32, []int32 or []uint8 of exactly dst's length, into dst. A []float32 may go
	// to a bfloat16 buffer (rounded to nearest even). src may be reused on return.
	Upload(dst Buffer, src any)
	// Download is the reverse, and syncs. Bfloat16 widens to []float32.
	Download(dst any, src Buffer) error
	// Copy copies src to dst, equal in type and length.
	Copy(dst, src Buffer)
	// Zero fills b with zero bytes.
	Zero(b Buffer)
	// Sync waits for all work so far and returns its first fault.
	Sync() error
}

// Strided is a matrix inside a wider one: row r starts at element Offset + r·Stride of Buf.
type Strided struct {
	Buf            Buffer
	Offset, Stride int
}

// Dense is b as a matrix of the given row length.
func Dense(b Buffer, cols int) Strided { return Strided{Buf: b, Stride: cols} }

// Draw is the step's place in the random streams, a buffer of four int32 holding the bits of
// seed (low word), seed (high word), step, first row: so that a recorded step can be replayed with new
// draws. Row r of a call is row first+r of the step, whatever the micro-batch.
type Draw = Buffer
