//go:build cudaemu

package gpu

import "errors"

// errNoBLAS leaves matrix products to the project's own kernels.
var errNoBLAS = errors.New("no library of matrix products on this device")
