package bench

import (
	"errors"
	"time"

	"dmtrain/internal/kernels"
	"dmtrain/internal/tensor"
)

// Profiler is a backend that has another one do all work, and waits for each call to time it. It is slower than the other one
// where that need not be waited for; who asks for no profile uses the other one itself.
type Profiler struct {
	be      kernels.Backend
	watch   kernels.Stopwatch
	spent   [families]spent
	own     float64                // seconds the profiler itself cost
	visible map[kernels.Buffer]int // pairs, by the tables of the mask
	fault   error                  // the first since the last Sync
}

type spent struct {
	calls          int
	seconds, flops float64
}

// NewProfiler wraps a backend.
func NewProfiler(be kernels.Backend) (*Profiler, error) {
	w, err := NewStopwatch(be)
	return &Profiler{be: be, watch: w, visible: map[kernels.Buffer]int{}}, err
}

// Reset forgets what was timed.
func (p *Profiler) Reset() { p.spent, p.own = [families]spent{}, 0 }

// Share is a family's part of a step.
type Share struct {
	Family     string  `json:"family"`
	Share      float64 `json:"share"` // of the step's time
	MsPerStep  float64 `json:"ms_per_step"`
	Calls      float64 `json:"calls"` // a step
	GflopsPerS float64 `json:"gflops_per_s,omitempty"`
}

// Shares is what each family took of so many steps since Reset, which took so many seconds, and what went by between calls. What the
// profiler itself cost is left out.
func (p *Profiler) Shares(steps int, seconds float64) []Share {
	total, rest := seconds-p.own, seconds-p.own
	var all []Share
	add := func(name string, s spent) {
		share := Share{Family: name, Share: s.seconds / total, MsPerStep: 1e3 * s.seconds / float64(steps), Calls: float64(s.calls) / float64(steps)}
		if s.flops > 0 {
			share.GflopsPerS = s.flops / s.seconds / 1e9
		}
		all = append(all, share)
	}
	for f, s := range p.spent {
		rest -= s.seconds
		add(Family(f).String(), s)
	}
	add(between, spent{seconds: max(0, rest)})
	return all
}

// timed makes a call of a family and charges its time, and so many operations, to it.
func timed[Args any](p *Profiler, f Family, flops float64, call func(Args), args Args) {
	p.time(f, flops, func() { call(args) })
}

func (p *Profiler) time(f Family, flops float64, call func()) {
	start := time.Now()
	p.watch.Start()
	call()
	seconds, err := p.watch.Stop()
	if p.fault == nil {
		p.fault = err
	}
	s := &p.spent[f]
	s.calls++
	s.seconds += seconds
	s.flops += flops
	p.own += max(0, time.Since(start).Seconds()-seconds)
}

// aside does what belongs to the profiler alone.
func (p *Profiler) aside(work func() error) {
	start := time.Now()
	if err := work(); p.fault == nil {
		p.fault = err
	}
	p.own += time.Since(start).Seconds()
}

// Sync returns the first fault since the last Sync; the work is done.
func (p *Profiler) Sync() error {
	err := errors.Join(p.fault, p.be.Sync())
	p.fault = nil
	return err
}

// Info, Close, Alloc, Free, Slice and MaskTablesLen are the other backend's, and not timed.

func (p *Profiler) Info() kernels.Info                                  { return p.be.Info() }
func (p *Profiler) Close() error                                        { return p.be.Close() }
func (p *Profiler) Alloc(t tensor.DType, n int) (kernels.Buffer, error) { return p.be.Alloc(t, n) }
func (p *Profiler) Free(b kernels.Buffer)                               { p.be.Free(b) }
func (p *Profiler) MaskTablesLen(b, t, s int) int                       { return p.be.MaskTablesLen(b, t, s) }
func (p *Profiler) Slice(b kernels.Buffer, t tensor.DType, at, n int) kernels.Buffer {
	return p.be.Slice(b, t, at, n)
}
