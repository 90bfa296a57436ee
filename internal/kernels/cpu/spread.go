package cpu

import (
	"runtime"
	"time"
)

// A system that shares its cores among processes has no reason to tell one process's threads from another's. Beside
// a busy neighbour it may run two workers by turns on one core, and leave the other core to the neighbour alone:
// then two workers are no faster than one. So a worker that finds itself on the core of another goes elsewhere, and
// shares a core with the neighbour.

// noCore is the core of a worker that doesn't run, or of which it isn't known.
const noCore = -1

// spreadPause is how long a worker stays where it went, at least: moving takes some ten microseconds.
const spreadPause = time.Millisecond

// spreads reports whether there is a core for each of so many workers.
func spreads(threads int) bool { return threads > 1 && threads <= runtime.NumCPU() }

// arrive notes where worker i runs, and moves it away from the cores of workers before it.
func (p *pool) arrive(i int) {
	if !p.spreads {
		return
	}
	w := p.workers[i]
	core := currentCore()
	if core != noCore && p.taken(core, i) && time.Since(w.moved) > spreadPause {
		w.moved = time.Now()
		leaveCores(func(core int) bool { return p.taken(core, i) })
		core = currentCore()
	}
	w.core.Store(int32(core))
}

// taken reports whether one of the workers before i runs on a core.
func (p *pool) taken(core, i int) bool {
	for _, w := range p.workers[:i] {
		if int(w.core.Load()) == core {
			return true
		}
	}
	return false
}

// depart notes that worker i waits.
func (p *pool) depart(i int) {
	if p.spreads {
		p.workers[i].core.Store(noCore)
	}
}
