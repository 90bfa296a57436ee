package cpu

import "testing"

type panicTask struct{}

func (panicTask) run(_ *worker, item int) {
	if item == 3 {
		panic("planted")
	}
}

type nothingTask struct{}

func (nothingTask) run(*worker, int) {}

// A panic on any worker reaches the caller, and the pool lives on.
func TestPanicsReachTheCaller(t *testing.T) {
	p := newPool(4)
	defer p.close()
	for range 50 {
		func() {
			defer func() {
				if cause := recover(); cause != "planted" {
					t.Fatalf("recovered %v", cause)
				}
			}()
			p.run(panicTask{}, 16)
		}()
		p.run(nothingTask{}, 16)
	}
}
