package model_test

import (
	"testing"

	"dmtrain/internal/kernels"
	"dmtrain/internal/kernels/cpu"
	"dmtrain/internal/kernels/ref"
)

type namedBackend struct {
	name string
	kernels.Backend
}

// backends are the machines every model test runs on.
func backends(t *testing.T) []namedBackend {
	fast, err := cpu.New(cpu.Options{Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { fast.Close() })
	return append([]namedBackend{{"ref", ref.New()}, {"cpu", fast}}, device(t)...)
}
