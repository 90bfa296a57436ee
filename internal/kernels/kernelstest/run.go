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
	// BFloat16 backends also compute on bfloat16: activations, their gradients and weights. Gradients of
	// parameters, statistics of rows (mean, rstd, log-sum-exp) and losses stay float32.
	BFloat16 Trait = iota
	// Allocates is for a backend whose steady-state calls may allocate on the Go heap: the reference.
	Allocates
	// Relayed is for a backend whose every kernel the suite tries elsewhere too, reached by another way. What is
	// left to try is whether calls and all their operands arrive: every operation, with fewer shapes and none at
	// random.
	Relayed
)

// suite is a backend under test beside the reference.
type suite struct {
	k, ref    kernels.Backend
	floats    []tensor.DType // types of activations and weights
	allocates bool
	relayed   bool
	trials    map[string]int // made so far, by the test's name
}

// Run holds the backend that open returns against the reference, one subtest an operation.
func Run(t *testing.T, open func() (kernels.Backend, error), traits ...Trait) {
	k, err := open()
	if err != nil {
		t.Fatal(err)
	}
	s := &suite{
		k:      k,
		ref:    ref.New(),
		floats: []tensor.DType{tensor.Float32},
		trials: map[string]int{},
	}
	for _, trait := range traits {
		switch trait {
		case BFloat16:
			s.floats = append(s.floats, tensor.BFloat16)
			if !k.Info().BFloat16 {
				t.Error("Info says that the backend has no bfloat16")
			}
		case Allocates:
			s.allocates = true
		case Relayed:
			s.relayed = true
		}
	}
	checkTable(t)
	for _, test := range tests() {
		if s.relayed && test.arithmetic {
			continue
		}
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
	name       string
	run        func(*suite, *testing.T)
	ops        []string
	arithmetic bool // it tells of kernels alone, not of how they are called
}

func tests() []test {
	return []test{
		{name: "Info", run: (*suite).testInfo},
		{name: "Memory", run: (*suite).testMemory},
		{name: "MatMul", run: (*suite).testMatMul, ops: []string{"MatMul"}},
		{name: "BiasGrad", run: (*suite).testBiasGrad, ops: []string{"BiasGrad"}},
		{name: "Embedding", run: (*suite).testEmbedding, ops: []string{"Embed", "EmbedBackward"}},
		{name: "Rows", run: (*suite).testRows, ops: []string{"PutRows", "GetRows"}},
		{name: "LayerNorm", run: (*suite).testLayerNorm, ops: []string{"LayerNorm", "LayerNormBackward"}},
		{name: "Elementwise", run: (*suite).testElementwise, ops: []string{"Add", "Scale", "GeluBackward"}},
		{name: "Dropout", run: (*suite).testDropout, ops: []string{"Dropout"}},
		{name: "Bernoulli", run: (*suite).testBernoulli, ops: []string{"Bernoulli"}},
		{name: "MaskedFill", run: (*suite).testMaskedFill, ops: []string{"MaskedFill", "MaskedFillBackward"}},
		{
			name: "Attention",
			run:  (*suite).testAttention,
			ops:  []string{"PrepareMask", "Attention", "AttentionBackward"},
		},
		{name: "HiddenKeys", run: (*suite).testHiddenKeys, arithmetic: true},
		{name: "CrossEntropy", run: (*suite).testCrossEntropy, ops: []string{"CrossEntropy"}},
		{name: "SquaredNorm", run: (*suite).testSquaredNorm, ops: []string{"SquaredNorm"}},
		{name: "AdamW", run: (*suite).testAdamW, ops: []string{"AdamW"}},
		{name: "NaN", run: (*suite).testNaN, arithmetic: true},
		{name: "Cuts", run: (*suite).testCuts, arithmetic: true},
		{name: "Misuse", run: (*suite).testMisuse},
		{name: "Faults", run: (*suite).testFaults},
		{name: "Allocations", run: (*suite).testAllocations},
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
