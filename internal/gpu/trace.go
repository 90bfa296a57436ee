package gpu

import (
	"cmp"
	"slices"
)

// Timing is how long the launches of one kernel took together, by the device's own clock.
type Timing struct {
	Kernel  string
	Count   int
	Seconds float64
}

// trace brackets every launch with events. Event 0 of a pair is recorded before it and event 1 after.
type trace struct {
	names  []string
	events []event
}

func (t *trace) launch(drv driver, name string, run func() error) error {
	n := 2 * len(t.names)
	for len(t.events) < n+2 {
		e, err := drv.event()
		if err != nil {
			return err
		}
		t.events = append(t.events, e)
	}
	if err := drv.record(t.events[n]); err != nil {
		return err
	}
	if err := run(); err != nil {
		return err
	}
	t.names = append(t.names, name)
	return drv.record(t.events[n+1])
}

// StartTrace begins to time every launch, which costs a little time itself.
func (d *Device) StartTrace() {
	if d.trace == nil {
		d.trace = &trace{}
	}
	d.trace.names = d.trace.names[:0]
}

// Tracing reports whether every launch is being timed.
func (d *Device) Tracing() bool { return d.trace != nil }

// Times syncs and returns the times since StartTrace by kernel, longest first, and stops timing.
func (d *Device) Times() ([]Timing, error) {
	t := d.trace
	d.trace = nil
	if err := d.Sync(); err != nil || t == nil {
		return nil, err
	}
	byName := map[string]*Timing{}
	for i, name := range t.names {
		s, err := d.drv.elapsed(t.events[2*i], t.events[2*i+1])
		if err != nil {
			return nil, err
		}
		if byName[name] == nil {
			byName[name] = &Timing{Kernel: name}
		}
		byName[name].Count++
		byName[name].Seconds += s
	}
	var times []Timing
	for _, t := range byName {
		times = append(times, *t)
	}
	slices.SortFunc(times, func(a, b Timing) int {
		return cmp.Or(cmp.Compare(b.Seconds, a.Seconds), cmp.Compare(a.Kernel, b.Kernel))
	})
	return times, nil
}

// Stopwatch measures a stretch of the device's work.
type Stopwatch struct {
	d        *Device
	from, to event
}

// NewStopwatch makes one.
func (d *Device) NewStopwatch() (*Stopwatch, error) {
	from, err := d.drv.event()
	if err != nil {
		return nil, err
	}
	to, err := d.drv.event()
	return &Stopwatch{d, from, to}, err
}

// Start marks the beginning.
func (s *Stopwatch) Start() { s.d.check(s.d.drv.record(s.from)) }

// Stop marks the end, syncs, and returns the seconds between.
func (s *Stopwatch) Stop() (float64, error) {
	s.d.check(s.d.drv.record(s.to))
	if err := s.d.Sync(); err != nil {
		return 0, err
	}
	return s.d.drv.elapsed(s.from, s.to)
}
