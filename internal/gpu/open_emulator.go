//go:build cudaemu

package gpu

import (
	"dmtrain/internal/gpu/driver"
	"dmtrain/internal/gpu/emulator"
)

// DriverName says which driver this program was built with.
const DriverName = Emulation

func openDriver(ordinal int, _ []Module) (driver.Driver, error) { return emulator.Open(ordinal) }

// Devices lists the devices there are.
func Devices() ([]Properties, error) { return emulator.Devices() }
