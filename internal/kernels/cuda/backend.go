package cuda

import (
	"errors"
	"fmt"
	"unsafe"

	"dmtrain/internal/gpu"
	"dmtrain/internal/kernels"
)

// tile is the height and width of an attention tile (TILE in mask.cuh).
const tile = 64

// Options are what Open leaves to choose.
type Options struct {
	NoBLAS bool // products by the project's own kernels, even where cuBLASLt is there
}

// Backend is a GPU behind package kernels' contract. It is not safe for concurrent use.
type Backend struct {
	dev     *gpu.Device
	blas    *gpu.BLAS // nil: own kernels
	noBLAS  error     // why
	ordinal int
	path    string

	fault      gpu.Ptr  // faultWords on the device
	faultWords [4]int32 // as last read
	checked    uint64   // what had been asked of the device then
	scratch    gpu.Ptr
	scratchLen int64
	outgrown   []gpu.Ptr // former scratch, whose address captured work may hold
	captures   int       // alive
	widths     []uint16  // bfloat16 on its way between host and device
}

var _ kernels.Device = (*Backend)(nil)

// Open opens the GPU with a number. Its error wraps gpu.ErrUnavailable when there is none to be had here.
func Open(ordinal int, o Options) (*Backend, error) {
	dev, err := gpu.Open(ordinal, modules())
	if err != nil {
		return nil, err
	}
	p := dev.Properties()
	b := &Backend{dev: dev, ordinal: ordinal, path: fmt.Sprintf("sm_%d%d", p.Major, p.Minor)}
	if p.Emulated {
		b.path = "emulated"
	}
	if b.fault, err = dev.Alloc(int64(len(b.faultWords) * 4)); err != nil {
		return nil, errors.Join(err, dev.Close())
	}
	dev.Set(b.fault, 0, len(b.faultWords)*4)
	if o.NoBLAS {
		b.noBLAS = errors.New("own kernels were asked for")
	} else {
		b.blas, b.noBLAS = dev.BLAS()
	}
	if b.blas != nil {
		b.path += ", cuBLASLt"
	}
	return b, nil
}

// Close gives the device back.
func (b *Backend) Close() error {
	if b.blas != nil {
		b.blas.Close()
	}
	return b.dev.Close()
}

// Info implements kernels.Backend.
func (b *Backend) Info() kernels.Info {
	return kernels.Info{
		Name:     fmt.Sprintf("cuda:%d", b.ordinal),
		Path:     b.path,
		Threads:  1,
		TileQ:    tile,
		TileS:    tile,
		BFloat16: true,
	}
}

// Device is the device itself, for measuring time, capturing graphs, and telling what it is.
func (b *Backend) Device() *gpu.Device { return b.dev }

// MatMulPath says what computes matrix products: cuBLASLt and where it was found, or own kernels and why.
func (b *Backend) MatMulPath() string {
	if b.blas != nil {
		return b.blas.Name()
	}
	return fmt.Sprintf("own kernels (%v)", b.noBLAS)
}

// Faults that kernels find in their inputs (FaultCode in common.cuh).
var faultNames = [...]string{1: "embed", 2: "embed backward", 3: "put rows", 4: "get rows", 5: "cross entropy"}

// Sync implements kernels.Memory. That the device is idle is not enough: a stopwatch, too, waits for it, and knows
// nothing of faults.
func (b *Backend) Sync() error {
	if b.dev.Idle() && b.checked == b.dev.Asked() {
		return nil
	}
	if err := b.dev.Read(unsafe.Pointer(&b.faultWords), b.fault, len(b.faultWords)*4); err != nil {
		return err
	}
	b.checked = b.dev.Asked()
	code := b.faultWords[0]
	if code == 0 {
		return nil
	}
	b.dev.Set(b.fault, 0, len(b.faultWords)*4)
	if int(code) >= len(faultNames) || code < 0 {
		return fmt.Errorf("cuda: unknown fault %d", code)
	}
	return fmt.Errorf("cuda: %s: index %d at %d is outside its table", faultNames[code], b.faultWords[2],
		b.faultWords[1])
}

// scratchFor is device memory that holds until the next call which asks for some.
func (b *Backend) scratchFor(bytes int64) gpu.Ptr {
	if bytes <= b.scratchLen {
		return b.scratch
	}
	if b.scratch != 0 && b.captures > 0 {
		b.outgrown = append(b.outgrown, b.scratch)
	} else if b.scratch != 0 {
		b.dev.Free(b.scratch)
	}
	b.scratch, b.scratchLen = 0, 0
	p, err := b.dev.Alloc(bytes)
	if err != nil {
		b.dev.Fail(roomFor(err))
		return 0
	}
	b.scratch, b.scratchLen = p, bytes
	return p
}

// NewStopwatch implements kernels.Device.
func (b *Backend) NewStopwatch() (kernels.Stopwatch, error) { return b.dev.NewStopwatch() }

// DeviceMemory implements kernels.Device.
func (b *Backend) DeviceMemory() (free, total int64, err error) { return b.dev.Memory() }
