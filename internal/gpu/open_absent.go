//go:build !cuda && !cudaemu

package gpu

import (
	"fmt"

	"dmtrain/internal/gpu/driver"
)

// DriverName says which driver this program was built with.
const DriverName = None

var errBuiltWithout = fmt.Errorf("%w: this program was built without CUDA; \"make build-cuda\" builds one with it "+
	"(scripts/setup-cuda.sh installs what that needs)", ErrUnavailable)

func openDriver(int, []Module) (driver.Driver, error) { return nil, errBuiltWithout }

// Devices lists the devices there are.
func Devices() ([]Properties, error) { return nil, errBuiltWithout }
