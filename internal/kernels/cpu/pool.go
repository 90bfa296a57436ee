package cpu

import (
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"time"
)

// task is work in items. Items run in any order, on any worker, at the same time.
type task interface {
	run(w *worker, item int)
}

// worker is a goroutine's private scratch.
type worker struct {
	buf           []float32
	bools         []bool
	bounds        queryBounds
	blocks        blocks
	first, second [maxLanes]float32 // crossEntropyTask's leaders by lane

	core  atomic.Int32 // where it runs, or noCore; see spread.go
	moved time.Time    // when it last changed its core itself
}

// scratch returns n floats of undefined content, valid until the worker's next item.
func (w *worker) scratch(n int) []float32 {
	if cap(w.buf) < n {
		w.buf = alignedFloats(n)
	}
	return w.buf[:n]
}

// flags returns n flags that are false, valid until the worker's next item.
func (w *worker) flags(n int) []bool {
	if cap(w.bools) < n {
		w.bools = make([]bool, n)
	}
	clear(w.bools[:n])
	return w.bools[:n]
}

// pool is a fixed set of workers; worker 0 is the goroutine that calls run.
type pool struct {
	workers []*worker
	task    task         // valid while items are unclaimed or unfinished
	todo    atomic.Int64 // unclaimed items; claiming takes the highest
	left    atomic.Int64 // unfinished items
	gates   []gate       // where each worker waits; the caller waits at gates[0] for the last item
	closed  atomic.Bool
	spreads bool                // there is a core for each worker
	failed  atomic.Pointer[any] // what an item panicked with, for the caller of run to panic with
}

func newPool(threads int) *pool {
	p := &pool{workers: make([]*worker, threads), gates: make([]gate, threads), spreads: spreads(threads)}
	for i := range p.workers {
		p.workers[i] = &worker{}
		p.workers[i].core.Store(noCore)
		p.gates[i].wake = make(chan struct{}, 1)
	}
	for i := 1; i < threads; i++ {
		go p.serve(i)
	}
	return p
}

// run executes t's items and returns when all are done. A worker that wakes late finds nothing to claim and holds
// nobody up.
func (p *pool) run(t task, items int) {
	debug.SetPanicOnFault(true) // each goroutine has its own, and the caller need not be the same one each time
	if items <= 1 || len(p.workers) == 1 {
		p.alone(t, items)
		return
	}
	p.arrive(0)
	p.task = t
	p.left.Store(int64(items))
	p.todo.Store(int64(items))
	for i := 1; i < len(p.gates) && i < items; i++ {
		p.gates[i].open()
	}
	for p.work(p.workers[0]) {
	}
	p.gates[0].await(p.finished)
	p.task = nil
	if failed := p.failed.Swap(nil); failed != nil {
		panic(*failed)
	}
}

// alone executes t's items on the caller's goroutine.
func (p *pool) alone(t task, items int) {
	defer func() {
		if cause := recover(); cause != nil {
			panic(named(cause))
		}
	}()
	for i := range items {
		t.run(p.workers[0], items-1-i)
	}
}

// work claims and runs one item; it reports false when there is none. A successful claim keeps the run, and with it
// p.task, alive until the item is counted as finished.
func (p *pool) work(w *worker) bool {
	for {
		n := p.todo.Load()
		if n == 0 {
			return false
		}
		if !p.todo.CompareAndSwap(n, n-1) {
			continue
		}
		p.item(w, int(n-1))
		return true
	}
}

// item runs one item. A panic goes to the caller of run: on a worker's goroutine nobody could recover it.
func (p *pool) item(w *worker, n int) {
	defer p.finish()
	p.task.run(w, n)
}

func (p *pool) finish() {
	if cause := recover(); cause != nil {
		first := named(cause) // apart, so that only a panic allocates
		p.failed.CompareAndSwap(nil, &first)
	}
	if p.left.Add(-1) == 0 {
		p.gates[0].open()
	}
}

func (p *pool) finished() bool { return p.left.Load() == 0 }
func (p *pool) called() bool   { return p.todo.Load() > 0 || p.closed.Load() }

func (p *pool) serve(i int) {
	debug.SetPanicOnFault(true)
	called := p.called
	for {
		p.gates[i].await(called)
		if p.closed.Load() {
			return
		}
		p.arrive(i)
		for p.work(p.workers[i]) {
		}
		p.depart(i)
	}
}

func (p *pool) close() {
	p.closed.Store(true)
	for i := 1; i < len(p.gates); i++ {
		p.gates[i].open()
	}
}

// gate is where one goroutine waits for a condition, first awake and then asleep.
type gate struct {
	asleep atomic.Bool
	wake   chan struct{}
}

// spins is how often a condition is looked at before sleeping: some tens of microseconds, which bridges the
// gap between two operations of a training step.
const spins = 4000

// await returns once ready is true. ready may only become true before a call of open.
func (g *gate) await(ready func() bool) {
	for i := range spins {
		if ready() {
			return
		}
		if i%256 == 255 {
			runtime.Gosched()
		}
	}
	for !ready() {
		g.asleep.Store(true)
		if ready() && g.asleep.CompareAndSwap(true, false) {
			return
		}
		<-g.wake
	}
}

// open wakes the goroutine if it sleeps. The condition is already true.
func (g *gate) open() {
	if g.asleep.CompareAndSwap(true, false) {
		g.wake <- struct{}{}
	}
}
