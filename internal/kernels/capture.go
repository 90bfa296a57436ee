package kernels

// Capturer is a backend that can note calls down and make all of them again at the cost of one, as a GPU does with
// a graph. Not every backend is one.
type Capturer interface {
	// Capture notes down the calls that work makes, without making them. Work must have run before, for a backend
	// makes room and chooses kernels the first time, and must not allocate, upload, download or sync. An error
	// means that it has to be called each time, and no more.
	Capture(work func()) (Captured, error)
}

// Captured is work noted down.
type Captured interface {
	// Replay makes the calls again, on the same buffers and with the same numbers.
	Replay()
	// Free forgets them.
	Free()
}
