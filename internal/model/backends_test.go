package model_test

import (
	"testing"

	"dmtrain/internal/kernels"
	"dmtrain/internal/kernels/ref"
)

type namedBackend struct {
	name string
	kernels.Backend
}

// backends are the machines every model test runs on.
func backends(t *testing.T) []namedBackend {
	return []namedBackend{{"ref", ref.New()}}
}
