package gpu

import "dmtrain/internal/gpu/driver"

// What a device is asked with; package driver says what each means.
type (
	Ptr         = driver.Ptr
	Dim         = driver.Dim
	Module      = driver.Module
	Properties  = driver.Properties
	MatMul      = driver.MatMul
	OutOfMemory = driver.OutOfMemory
)

// MaxArgs is how many arguments a kernel may take.
const MaxArgs = driver.MaxArgs

// ErrUnavailable is wrapped by every error that means "there is no GPU to be had here", as opposed to one that fails.
var ErrUnavailable = driver.ErrUnavailable

// What DriverName may be.
const (
	None      = "none"     // this program was built without
	CUDA      = "cuda"     // it drives GPUs
	Emulation = "emulated" // its device is emulated
)
