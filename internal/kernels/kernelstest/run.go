package kernelstest

import (
	"testing"

	"dmtrain/internal/kernels"
	"dmtrain/internal/kernels/ref"
	"dmtrain/internal/tensor"
)

// Trait says where a backend does more or less than the suite expects of every backend.
type Trait int

const (
	// BFloat16 backends also compute on bfloat16: activations, their gradients and weights. Gradients of parameters, statistics
	// of rows (mean, rstd, log-sum-exp) and losses stay float32.
	BFloat16 Trait = iota
	// Allocates is for a backend whose steady-state calls may allocate on the Go heap: the reference.
	Allocates
)

// suite is a backend under test beside the reference.
type suite struct {
	k, ref    kernels.Backend
	floats    []tensor.DType // types of activations and weights
	allocates bool
	trials    map[string]int // made so far, by the test's name
}

// Run holds the backend that open returns against the reference, one subtest an operation.
func Run(t *testing.T, open func() (kernels.Backend, error), traits ...Trait) {
	k, err := open()
	if err != nil {
		t.Fatal(err)
	}
	s := &suite{k: k, ref: ref.New(), floats: []tensor.DType{tensor.Float32}, trials: map[string]int{}}
	for _, trait := range traits {
		switch trait {
		case BFloat16:
			s.floats = append(s.floats, tensor.BFloat16)
			if !k.Info().BFloat16 {
				t.Error("Info says that the backend has no bfloat16")
			}
		case Allocates:
			s.allocates = true
		}
	}
	for _, test := range []struct {
		name string
		run  func(*suite, *testing.T)
	}{
		{"Info", (*suite).testInfo},
		{"Memory", (*suite).testMemory},
		{"MatMul", (*suite).testMatMul},
		{"BiasGrad", (*suite).testBiasGrad},
		{"Embedding", (*suite).testEmbedding},
		{"Rows", (*suite).testRows},
		{"LayerNorm", (*suite).testLayerNorm},
		{"Elementwise", (*suite).testElementwise},
		{"Dropout", (*suite).testDropout},
		{"Bernoulli", (*suite).testBernoulli},
		{"MaskedFill", (*suite).testMaskedFill},
		{"Attention", (*suite).testAttention},
		{"HiddenKeys", (*suite).testHiddenKeys},
		{"CrossEntropy", (*suite).testCrossEntropy},
		{"SquaredNorm", (*suite).testSquaredNorm},
		{"AdamW", (*suite).testAdamW},
		{"NaN", (*suite).testNaN},
		{"Cuts", (*suite).testCuts},
		{"Misuse", (*suite).testMisuse},
		{"Faults", (*suite).testFaults},
		{"Allocations", (*suite).testAllocations},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.run(s, t)
			if err := k.Sync(); err != nil {
				t.Errorf("a fault is left over: %v", err)
			}
		})
	}
	if err := k.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
}

// eachFloat runs a test for every type of activations.
func (s *suite) eachFloat(t *testing.T, test func(t *testing.T, dt tensor.DType)) {
	for _, dt := range s.floats {
		t.Run(dt.String(), func(t *testing.T) { test(t, dt) })
	}
}
