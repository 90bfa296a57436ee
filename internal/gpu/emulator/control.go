//go:build cudaemu

package emulator

/*
#include <stdlib.h>
#include "emu.h"
*/
import "C"

import (
	"slices"
	"unsafe"
)

// Seed sets the order in which blocks, warps and threads run.
func Seed(seed uint64) {
	machine.Lock()
	defer machine.Unlock()
	C.emu_seed(C.uint64_t(seed))
}

// Strict makes the device hold kernels to the views that gpu.Device.View has told it of: an allocation of which
// views were taken is only accessible inside them.
func Strict(on bool) {
	machine.Lock()
	defer machine.Unlock()
	C.emu_strict(C.int(b2i(on)))
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Kernels are the names of all kernels.
func Kernels() []string {
	var names []string
	for i := range int(C.emu_kernel_count()) {
		names = append(names, C.GoString(C.emu_kernel_name(C.int(i))))
	}
	return names
}

// Barriers are the places (file:line) met so far where threads wait for each other.
func Barriers() []string {
	machine.Lock()
	defer machine.Unlock()
	var sites []string
	for i := range int(C.emu_site_count()) {
		sites = append(sites, C.GoString(C.emu_site_text(C.int(i))))
	}
	slices.Sort(sites)
	return slices.Compact(sites)
}

// SkipBarrier makes threads pass one such place without waiting, as if it had been deleted; "" restores all.
func SkipBarrier(site string) {
	text := C.CString(site)
	defer C.free(unsafe.Pointer(text))
	machine.Lock()
	defer machine.Unlock()
	C.emu_skip_site(text)
}
