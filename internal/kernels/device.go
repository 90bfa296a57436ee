package kernels

// Device is a backend whose calls run on their own, on a device with a clock and a memory of its own.
type Device interface {
	Backend
	// NewStopwatch makes a stopwatch that reads the device's clock.
	NewStopwatch() (Stopwatch, error)
	// DeviceMemory is how many bytes of the device's memory are free, and how many there are.
	DeviceMemory() (free, total int64, err error)
}

// Stopwatch measures a stretch of a backend's work.
type Stopwatch interface {
	// Start marks the beginning of a stretch.
	Start()
	// Stop marks its end, waits for the work, and returns the seconds between, or the first fault since the last Sync.
	Stop() (seconds float64, err error)
}
