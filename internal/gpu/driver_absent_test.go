//go:build !cuda && !cudaemu

package gpu

import (
	"strings"
	"testing"
)

// A program without CUDA says which command builds one with it.
func TestBuiltWithoutNamesTheCommand(t *testing.T) {
	if _, err := Devices(); err == nil || !strings.Contains(err.Error(), `"make build-cuda"`) {
		t.Errorf("Devices: %v", err)
	}
}
