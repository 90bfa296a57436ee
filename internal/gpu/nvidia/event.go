//go:build cuda && !cudaemu

package nvidia

import (
	"gorgonia.org/cu"

	"dmtrain/internal/gpu/driver"
)

func (d *device) NewEvent() (driver.Event, error) {
	release, err := d.bind()
	if err != nil {
		return 0, err
	}
	defer release()
	e, err := cu.MakeEvent(cu.DefaultEvent)
	if err != nil {
		return 0, err
	}
	d.events = append(d.events, e)
	return driver.Event(len(d.events) - 1), nil
}

func (d *device) Record(e driver.Event) error {
	release, err := d.bind()
	if err != nil {
		return err
	}
	defer release()
	return d.events[e].Record(d.stream)
}

func (d *device) Elapsed(from, to driver.Event) (float64, error) {
	release, err := d.bind()
	if err != nil {
		return 0, err
	}
	defer release()
	ms, err := d.events[from].Elapsed(d.events[to])
	return ms / 1000, err
}
