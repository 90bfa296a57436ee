package graph

import "dmtrain/internal/kernels"

// replay is one direction of a program. Its calls are made one by one the first time, which is when a backend makes
// room and chooses kernels. From the second time on they are made as one, if the backend can capture them.
type replay struct {
	calls    func()
	ran      bool
	tried    bool
	captured kernels.Captured // nil: one by one
}

func (r *replay) run(be kernels.Backend) {
	if r.ran && !r.tried {
		r.tried = true
		r.capture(be)
	}
	r.ran = true
	if r.captured != nil {
		r.captured.Replay()
		return
	}
	r.calls()
}

func (r *replay) capture(be kernels.Backend) {
	c, ok := be.(kernels.Capturer)
	if !ok {
		return
	}
	if captured, err := c.Capture(r.calls); err == nil {
		r.captured = captured
	}
}

// forget goes back to before the first time.
func (r *replay) forget() {
	if r.captured != nil {
		r.captured.Free()
	}
	r.captured, r.ran, r.tried = nil, false, false
}
