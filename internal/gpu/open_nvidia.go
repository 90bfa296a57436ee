//go:build cuda && !cudaemu

package gpu

import (
	"dmtrain/internal/gpu/driver"
	"dmtrain/internal/gpu/nvidia"
)

// DriverName says which driver this program was built with.
const DriverName = CUDA

func openDriver(ordinal int, modules []Module) (driver.Driver, error) {
	return nvidia.Open(ordinal, modules)
}

// Devices lists the devices there are.
func Devices() ([]Properties, error) { return nvidia.Devices() }
