package kernels

import "fmt"

// Fault is what an operation panics with where the processor faults in a kernel's assembly: a mistake of this
// program, or a processor that lies about what it can.
type Fault struct {
	Kernel, Path string // the function, and the path of [Info] it belongs to
	Illegal      bool   // the processor refused an instruction; else it refused an address
}

func (f *Fault) Error() string {
	what := "went to an address that is not its own"
	if f.Illegal {
		what = "has an instruction that this processor refuses"
	}
	return fmt.Sprintf("the kernel %s of the CPU's %s path %s; DMTRAIN_CPU=generic goes on without it", f.Kernel,
		f.Path, what)
}
