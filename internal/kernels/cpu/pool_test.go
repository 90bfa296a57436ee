package cpu

import (
	"sync/atomic"
	"testing"
	"time"
)

// countingTask counts how often each item runs.
type countingTask struct {
	runs []atomic.Int32
	wait time.Duration
}

func (t *countingTask) run(_ *worker, item int) {
	t.runs[item].Add(1)
	if t.wait > 0 {
		time.Sleep(t.wait)
	}
}

func TestEveryItemRunsOnce(t *testing.T) {
	for _, threads := range []int{1, 2, 5} {
		p := newPool(threads)
		for round := range 300 {
			task := &countingTask{runs: make([]atomic.Int32, round%17)}
			if round%50 == 0 {
				time.Sleep(time.Millisecond) // long enough for the workers to fall asleep
				task.wait = time.Millisecond // and here for the caller
			}
			p.run(task, len(task.runs))
			for i := range task.runs {
				if n := task.runs[i].Load(); n != 1 {
					t.Fatalf("%d threads, round %d: item %d of %d ran %d times", threads, round, i, len(task.runs), n)
				}
			}
		}
		p.close()
	}
}
