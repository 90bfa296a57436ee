package gpu

import "dmtrain/internal/gpu/driver"

// Stopwatch measures a stretch of the device's work by the device's own clock.
type Stopwatch struct {
	d        *Device
	from, to driver.Event
}

// NewStopwatch makes one.
func (d *Device) NewStopwatch() (*Stopwatch, error) {
	from, err := d.drv.NewEvent()
	if err != nil {
		return nil, err
	}
	to, err := d.drv.NewEvent()
	return &Stopwatch{d, from, to}, err
}

// Start marks the beginning.
func (s *Stopwatch) Start() { s.d.check(s.d.drv.Record(s.from)) }

// Stop marks the end, syncs, and returns the seconds between.
func (s *Stopwatch) Stop() (float64, error) {
	s.d.check(s.d.drv.Record(s.to))
	if err := s.d.Sync(); err != nil {
		return 0, err
	}
	return s.d.drv.Elapsed(s.from, s.to)
}
