package cpu

import (
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// currentCore is the core that the caller runs on, or noCore.
func currentCore() int {
	var core uint32
	if _, _, errno := syscall.RawSyscall(unix.SYS_GETCPU, uintptr(unsafe.Pointer(&core)), 0, 0); errno != 0 {
		return noCore
	}
	return int(core)
}

// leaveCores moves the caller's thread to a core that is none of these, where it may run on one, and leaves it free
// to go on from there.
func leaveCores(taken func(core int) bool) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var allowed, free unix.CPUSet
	if unix.SchedGetaffinity(0, &allowed) != nil {
		return
	}
	left := allowed.Count()
	for core := 0; left > 0; core++ {
		if !allowed.IsSet(core) {
			continue
		}
		left--
		if !taken(core) {
			free.Set(core)
		}
	}
	if free.Count() == 0 || unix.SchedSetaffinity(0, &free) != nil {
		return
	}
	unix.SchedSetaffinity(0, &allowed)
}
