// Package trap makes a fault of the processor in Go's own code a panic, so that it can be told in one line.
//
// The runtime does so for addresses, where debug.SetPanicOnFault asks for it. For an illegal instruction it has
// only an end with a dump of all registers. So an illegal instruction is handed to the runtime as a fault at the
// instruction's own address; see the handlers in assembly. Nothing of this runs before there is a fault.
package trap

import (
	"runtime"
	"strings"
)

// Frame is the function that faulted, and whether it did so by an illegal instruction. It must be called by a
// deferred function while cause is being recovered; ok is false where cause is no fault, or one outside functions
// whose names begin with prefix.
func Frame(cause any, prefix string) (function string, illegal, ok bool) {
	fault, isError := cause.(runtime.Error)
	if !isError {
		return "", false, false
	}
	name, pc := faulted()
	function, ok = strings.CutPrefix(name, prefix)
	at, known := fault.(interface{ Addr() uintptr })
	return function, ok && known && at.Addr() == pc, ok
}

// faulted is the function that the runtime's sigpanic seems to have been called by, and where in it.
func faulted() (function string, pc uintptr) {
	var pcs [64]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(1, pcs[:])])
	for signal := false; ; {
		f, more := frames.Next()
		if signal || !more {
			return f.Function, f.PC
		}
		signal = f.Function == "runtime.sigpanic"
	}
}
