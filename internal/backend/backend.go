// Package backend opens the device a configuration names. It is the only place that chooses.
package backend

import (
	"fmt"

	"dmtrain/internal/kernels"
	"dmtrain/internal/kernels/cpu"
)

// Open opens "auto", "cpu", "cuda" or "cuda:N". The error says what is missing and what would work.
func Open(device string) (kernels.Backend, error) {
	switch device {
	case "auto", "cpu":
		return cpu.New(cpu.Options{})
	}
	return nil, fmt.Errorf("device: %q is not a device of this build; use auto or cpu", device)
}
