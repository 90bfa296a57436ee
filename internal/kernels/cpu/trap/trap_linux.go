//go:build amd64 || arm64

package trap

import (
	"sync"
	"syscall"
	"unsafe"
)

// sigaction is the kernel's struct of that name.
type sigaction struct {
	handler  uintptr
	flags    uint64
	restorer uintptr
	mask     uint64
}

// handlerBefore is the address of a handler of SIGILL, in assembly, that goes on with another: the runtime's. It is
// called once.
func handlerBefore(next uintptr) uintptr

// Install makes illegal instructions in Go's own code panic, on goroutines where debug.SetPanicOnFault is on.
var Install = sync.OnceFunc(func() {
	var action sigaction
	if exchange(nil, &action) {
		action.handler = handlerBefore(action.handler)
		exchange(&action, nil)
	}
})

// exchange sets and gets the action of SIGILL. Where the system refuses, an illegal instruction ends as the runtime
// has it.
func exchange(set, get *sigaction) bool {
	_, _, errno := syscall.RawSyscall6(syscall.SYS_RT_SIGACTION, uintptr(syscall.SIGILL), uintptr(unsafe.Pointer(set)),
		uintptr(unsafe.Pointer(get)), 8, 0, 0)
	return errno == 0
}
