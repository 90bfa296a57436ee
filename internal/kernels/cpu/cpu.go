package cpu

import (
	"fmt"
	"runtime"

	"dmtrain/internal/kernels"
	"dmtrain/internal/kernels/cpu/trap"
)

// Options chooses how the backend runs.
type Options struct {
	// Threads is the number of workers, the caller's goroutine among them; 0 means GOMAXPROCS.
	Threads int
	// NoGPU is what Info says of why this is not a GPU.
	NoGPU string
}

// Backend runs kernels on the processor. Calls are synchronous, and like a device's stream they come from one
// goroutine at a time.
type Backend struct {
	memory
	pool  *pool
	prim  primitives
	tasks tasks
	noGPU string

	buf       []float32 // see scratch
	partial64 []float64 // SquaredNorm's sums by chunk
}

var _ kernels.Backend = (*Backend)(nil)

// New starts the workers. Close stops them. The environment variable DMTRAIN_CPU (generic, avx2, avx512 or neon) forces
// an instruction set; without it the best one is taken.
func New(opts Options) (*Backend, error) {
	if opts.Threads < 0 {
		return nil, fmt.Errorf("cpu: %d threads: must be 0 (all) or more", opts.Threads)
	}
	threads := opts.Threads
	if threads == 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	path, err := choosePath()
	if err != nil {
		return nil, err
	}
	trap.Install()
	return &Backend{pool: newPool(threads), prim: path.primitives(), noGPU: opts.NoGPU}, nil
}

// Info says which path runs and on how many threads.
func (b *Backend) Info() kernels.Info {
	return kernels.Info{
		Name:    "cpu",
		Path:    b.prim.path,
		Threads: len(b.pool.workers),
		TileQ:   tileQ,
		TileS:   tileS,
		NoGPU:   b.noGPU,
	}
}

// Close stops the workers.
func (b *Backend) Close() error {
	b.pool.close()
	return nil
}

// scratch returns n floats of undefined content, valid until the next call.
func (b *Backend) scratch(n int) []float32 {
	if cap(b.buf) < n {
		b.buf = alignedFloats(n)
	}
	return b.buf[:n]
}

// tasks holds the one running task of each kind, so that a call allocates nothing.
type tasks struct {
	matMul             matMulTask
	product            product
	rowProduct         rowProduct
	pack               packTask
	biasGrad           biasGradTask
	embed              embedTask
	embedBackward      embedBackwardTask
	rows               rowsTask
	layerNorm          layerNormTask
	layerNormBackward  layerNormBackwardTask
	add                addTask
	scale              scaleTask
	geluBackward       geluBackwardTask
	dropout            dropoutTask
	bernoulli          bernoulliTask
	maskedFill         maskedFillTask
	maskedFillBackward maskedFillBackwardTask
	prepareMask        prepareMaskTask
	attention          attentionTask
	attentionBackward  attentionBackwardTask
	crossEntropy       crossEntropyTask
	squaredNorm        squaredNormTask
	adamW              adamWTask
	sumPartials        sumPartialsTask
}

// launch runs t from its slot and empties the slot afterwards, so that no buffer outlives its Free.
func launch[T any, P interface {
	*T
	task
}](b *Backend, slot P, t T, items int) {
	*slot = t
	b.pool.run(slot, items)
	var none T
	*slot = none
}
