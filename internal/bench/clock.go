package bench

import (
	"runtime"
	"slices"
	"time"

	"dmtrain/internal/kernels"
)

// NewStopwatch is the device's own, or else one of the host's.
func NewStopwatch(be kernels.Backend) (kernels.Stopwatch, error) {
	if d, ok := be.(kernels.Device); ok {
		return d.NewStopwatch()
	}
	return &hostWatch{be: be}, nil
}

// hostWatch times work by the host's clock.
type hostWatch struct {
	be   kernels.Backend
	from time.Time
}

func (w *hostWatch) Start() { w.from = time.Now() }

func (w *hostWatch) Stop() (float64, error) {
	err := w.be.Sync()
	return time.Since(w.from).Seconds(), err
}

// InUse is how many bytes the backend's memory holds: the device's, or else the Go heap, swept.
func InUse(be kernels.Backend) (int64, error) {
	if d, ok := be.(kernels.Device); ok {
		free, total, err := d.DeviceMemory()
		return total - free, err
	}
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc), nil
}

// timeOne is how many seconds a call took.
func timeOne(w kernels.Stopwatch, call func()) (float64, error) {
	w.Start()
	call()
	return w.Stop()
}

// Timing is how long a call took, of several.
type Timing struct{ Min, Median float64 } // seconds

// timeCalls times a call so often, after once to warm up.
func timeCalls(w kernels.Stopwatch, n int, call func()) (Timing, error) {
	call()
	all := make([]float64, n)
	for i := range all {
		seconds, err := timeOne(w, call)
		if err != nil {
			return Timing{}, err
		}
		all[i] = seconds
	}
	return Summarise(all), nil
}

// Summarise sorts times.
func Summarise(seconds []float64) Timing {
	slices.Sort(seconds)
	n := len(seconds)
	return Timing{Min: seconds[0], Median: (seconds[(n-1)/2] + seconds[n/2]) / 2}
}
