//go:build !cuda || cudaemu

package cuda

import "dmtrain/internal/gpu"

// modules are none: the emulated device has its kernels built in, and without a device nothing runs.
func modules() []gpu.Module { return nil }
