//go:build !cudaemu

package gpu

import (
	"errors"
	"testing"
)

// On a machine without a GPU every driver says so in a way that a caller can tell from a failure; with one, device
// 1000 is missing.
func TestUnavailable(t *testing.T) {
	_, err := Open(1000, nil)
	if !errors.Is(err, ErrUnavailable) {
		t.Errorf("Open(1000): %v", err)
	}
	t.Log(err)
	if devices, err := Devices(); err == nil {
		t.Logf("devices: %+v", devices)
	} else if !errors.Is(err, ErrUnavailable) {
		t.Errorf("Devices: %v", err)
	}
}
