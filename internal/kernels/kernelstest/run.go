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
	checkTable(t)
	for _, test := range tests() {
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

// test is a subtest, and the operations that it holds to the reference.
type test struct {
	name string
	run  func(*suite, *testing.T)
	ops  []string
}

func tests() []test {
	return []test{
		{"Info", (*suite).testInfo, nil},
		{"Memory", (*suite).testMemory, nil},
		{"MatMul", (*suite).testMatMul, []string{"MatMul"}},
		{"BiasGrad", (*suite).testBiasGrad, []string{"BiasGrad"}},
		{"Embedding", (*suite).testEmbedding, []string{"Embed", "EmbedBackward"}},
		{"Rows", (*suite).testRows, []string{"PutRows", "GetRows"}},
		{"LayerNorm", (*suite).testLayerNorm, []string{"LayerNorm", "LayerNormBackward"}},
		{"Elementwise", (*suite).testElementwise, []string{"Add", "Scale", "GeluBackward"}},
		{"Dropout", (*suite).testDropout, []string{"Dropout"}},
		{"Bernoulli", (*suite).testBernoulli, []string{"Bernoulli"}},
		{"MaskedFill", (*suite).testMaskedFill, []string{"MaskedFill", "MaskedFillBackward"}},
		{"Attention", (*suite).testAttention, []string{"PrepareMask", "Attention", "AttentionBackward"}},
		{"HiddenKeys", (*suite).testHiddenKeys, nil},
		{"CrossEntropy", (*suite).testCrossEntropy, []string{"CrossEntropy"}},
		{"SquaredNorm", (*suite).testSquaredNorm, []string{"SquaredNorm"}},
		{"AdamW", (*suite).testAdamW, []string{"AdamW"}},
		{"NaN", (*suite).testNaN, nil},
		{"Cuts", (*suite).testCuts, nil},
		{"Misuse", (*suite).testMisuse, nil},
		{"Faults", (*suite).testFaults, nil},
		{"Allocations", (*suite).testAllocations, nil},
	}
}

// checkTable wants every operation of the contract to be held to the reference by a subtest.
func checkTable(t *testing.T) {
	held := map[string]bool{}
	for _, test := range tests() {
		for _, name := range test.ops {
			held[name] = true
		}
	}
	for _, o := range kernels.Ops() {
		if !held[o.Name] {
			t.Errorf("no subtest holds %s to the reference", o.Name)
		}
	}
}

// eachFloat runs a test for every type of activations.
func (s *suite) eachFloat(t *testing.T, test func(t *testing.T, dt tensor.DType)) {
	for _, dt := range s.floats {
		t.Run(dt.String(), func(t *testing.T) { test(t, dt) })
	}
}
