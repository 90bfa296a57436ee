//go:build !linux

package cpu

// Other systems don't say where a thread runs, or don't let it choose.
func currentCore() int               { return noCore }
func leaveCores(func(core int) bool) {}
