package kernels_test

import (
	"reflect"
	"testing"

	"dmtrain/internal/kernels"
)

// operations are the methods of the contract that take one struct of arguments and return nothing.
func operations() map[string]reflect.Type {
	all := map[string]reflect.Type{}
	contract := reflect.TypeFor[kernels.Backend]()
	for i := range contract.NumMethod() {
		m := contract.Method(i)
		if m.Type.NumIn() == 1 && m.Type.NumOut() == 0 && m.Type.In(0).Kind() == reflect.Struct {
			all[m.Name] = m.Type.In(0)
		}
	}
	return all
}

// The table has a row for each operation, and no other.
func TestOpsAreTheContract(t *testing.T) {
	missing := operations()
	for _, o := range kernels.Ops() {
		if missing[o.Name] == nil {
			t.Errorf("%s is no operation of the contract, or is there twice", o.Name)
		}
		delete(missing, o.Name)
	}
	for name := range missing {
		t.Errorf("%s has no row in Ops", name)
	}
}

// A row's call makes the method of its name, and an observed backend tells of that row, and of its arguments, before it
// passes the call on.
func TestRowsCallTheMethodsOfTheirNames(t *testing.T) {
	types := operations()
	for _, o := range kernels.Ops() {
		args := reflect.Zero(types[o.Name]).Interface()
		var told []string
		be := kernels.Observe(nil, func(seen kernels.Op, a any, _ func()) {
			told = append(told, seen.Name)
			if a != args {
				t.Errorf("%s is told of with %v", o.Name, a)
			}
		})
		func() {
			defer func() {
				if recover() != nil { // the call went past the observer, to a backend that is not there
					t.Errorf("Observed has no method %s", o.Name)
				}
			}()
			o.Call(be, args)
		}()
		if len(told) != 1 || told[0] != o.Name {
			t.Errorf("%s is told of as %q", o.Name, told)
		}
	}
}

// An operation whose work is arithmetic counts it: products by their size, attention by its visible pairs.
func TestFlops(t *testing.T) {
	want := map[string]float64{
		"MatMul":            2 * 3 * 5 * 7,
		"Attention":         4 * 11 * 2 * 3,
		"AttentionBackward": 10 * 11 * 2 * 3,
	}
	args := map[string]any{
		"MatMul":            kernels.MatMul{M: 3, N: 5, K: 7},
		"Attention":         kernels.AttentionForward{H: 2, D: 3},
		"AttentionBackward": kernels.AttentionBackward{H: 2, D: 3},
	}
	for _, o := range kernels.Ops() {
		if o.Flops == nil {
			if want[o.Name] != 0 {
				t.Errorf("%s counts nothing", o.Name)
			}
			continue
		}
		if got := o.Flops(args[o.Name], func(kernels.Mask) int { return 11 }); got != want[o.Name] {
			t.Errorf("%s counts %v operations, not %v", o.Name, got, want[o.Name])
		}
	}
}
