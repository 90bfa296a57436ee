package cpu

import (
	"strings"

	"dmtrain/internal/kernels"
	"dmtrain/internal/kernels/cpu/trap"
)

// asmPrefix begins the names of the kernels in assembly.
const asmPrefix = "dmtrain/internal/kernels/cpu/asm."

// named turns the runtime's panic of a fault in a kernel into one that names the kernel, and leaves others as they
// are. The deferred function that recovers the panic calls it.
func named(cause any) any {
	kernel, illegal, ok := trap.Frame(cause, asmPrefix)
	if !ok {
		return cause
	}
	return &kernels.Fault{Kernel: kernel, Path: pathOf(kernel), Illegal: illegal}
}

// pathOf is the path that a kernel's name ends with.
func pathOf(kernel string) string {
	for _, p := range simdPaths() {
		if strings.HasSuffix(kernel, strings.ToUpper(p.name)) {
			return p.name
		}
	}
	return genericPath
}
