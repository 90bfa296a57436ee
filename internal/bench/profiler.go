package bench

import "dmtrain/internal/kernels"

// Profiler is a backend that has another one do all work, and waits for each call to time it. It is slower than the
// other one where that need not be waited for; who asks for no profile uses the other one itself.
type Profiler struct {
	kernels.Observed
	watch   kernels.Stopwatch
	spent   [kernels.Families]spent
	own     float64                // seconds the profiler itself cost
	visible map[kernels.Buffer]int // pairs, by the tables of the mask
	fault   error                  // the first since the last Sync
}

type spent struct {
	calls          int
	seconds, flops float64
}

// between is what a step does between calls: planning and certifying masks, and everything else on the host.
const between = "between"

// NewProfiler wraps a backend.
func NewProfiler(be kernels.Backend) (*Profiler, error) {
	w, err := NewStopwatch(be)
	p := &Profiler{watch: w, visible: map[kernels.Buffer]int{}}
	p.Observed = kernels.Observe(be, p.charge)
	return p, err
}

// Reset forgets what was timed.
func (p *Profiler) Reset() { p.spent, p.own = [kernels.Families]spent{}, 0 }

// Share is a family's part of a step.
type Share struct {
	Family     string  `json:"family"`
	Share      float64 `json:"share"` // of the step's time
	MsPerStep  float64 `json:"ms_per_step"`
	Calls      float64 `json:"calls"` // a step
	GflopsPerS float64 `json:"gflops_per_s,omitempty"`
}

// Shares is what each family took of so many steps since Reset, which took so many seconds, and what went by
// between calls. What the profiler itself cost is left out.
func (p *Profiler) Shares(steps int, seconds float64) []Share {
	total, rest := seconds-p.own, seconds-p.own
	var all []Share
	add := func(name string, s spent) {
		share := Share{
			Family:    name,
			Share:     s.seconds / total,
			MsPerStep: 1e3 * s.seconds / float64(steps),
			Calls:     float64(s.calls) / float64(steps),
		}
		if s.flops > 0 {
			share.GflopsPerS = s.flops / s.seconds / 1e9
		}
		all = append(all, share)
	}
	for f, s := range p.spent {
		rest -= s.seconds
		add(kernels.Family(f).String(), s)
	}
	add(between, spent{seconds: max(0, rest)})
	return all
}
