package cpu

import (
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// allowedCores are the cores that the caller's thread may run on.
func allowedCores(t *testing.T) (set unix.CPUSet) {
	t.Helper()
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		t.Skipf("the system does not tell: %v", err)
	}
	return set
}

func TestLeaveCores(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	before := allowedCores(t)
	if before.Count() < 2 {
		t.Skip("there is one core only")
	}
	for range 20 {
		was, is := currentCore(), noCore
		leaveCores(func(core int) bool {
			is = currentCore()
			return core == was
		})
		if now := allowedCores(t); now != before {
			t.Fatalf("a thread that may run on %v may run on %v afterwards", before, now)
		}
		if is != was {
			continue // the system moved it in between
		}
		if currentCore() != was {
			return
		}
	}
	t.Error("a thread stayed where it was, 20 times")
}

func TestLeaveEveryCore(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	before := allowedCores(t)
	leaveCores(func(int) bool { return true })
	if now := allowedCores(t); now != before {
		t.Errorf("a thread that may run on %v may run on %v afterwards", before, now)
	}
}

// A worker that finds itself on the core of one before it goes elsewhere, but not when it has just moved.
func TestWorkersSpread(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if all := allowedCores(t); all.Count() < 2 {
		t.Skip("there is one core only")
	}
	moved := 0
	for range 20 {
		fresh, rested := &worker{}, &worker{moved: time.Now().Add(time.Hour)}
		for _, w := range []*worker{fresh, rested} {
			before := w.moved
			p := &pool{workers: []*worker{{}, w}, spreads: true}
			p.workers[0].core.Store(int32(currentCore()))
			p.arrive(1)
			if w.moved != before {
				moved++
			}
			if w == rested && w.moved != before {
				t.Error("a worker that had just moved moved again")
			}
		}
	}
	if moved == 0 {
		t.Error("a worker on the core of another stayed there, 20 times")
	}
}

func TestOneCoreEachOrNoMoves(t *testing.T) {
	if n := runtime.NumCPU(); spreads(1) || spreads(n+1) || n > 1 && !spreads(n) {
		t.Errorf("%d cores: one worker spreads: %v, %d do: %v, %d do: %v", n, spreads(1), n, spreads(n), n+1,
			spreads(n+1))
	}
}
