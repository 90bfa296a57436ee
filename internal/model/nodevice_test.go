//go:build !cuda && !cudaemu

package model_test

import "testing"

// device is none: this program was built without CUDA.
func device(*testing.T) []namedBackend { return nil }
