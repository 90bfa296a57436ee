package kernelstest

import (
	"math"
	"reflect"
	"strings"
	"testing"

	"dmtrain/internal/kernels"
	"dmtrain/internal/kernels/fixture"
	"dmtrain/internal/tensor"
)

// testMisuse makes every call once for each of its buffers with that buffer an element too short, and again with one of
// another type: each must panic with a "kernels: …" string before anything runs. Afterwards the call still works.
func (s *suite) testMisuse(t *testing.T) {
	d := &device{t, s.k}
	z := fixture.Shape{
		Batch: 2,
		T:     5,
		Width: 8,
		Heads: 2,
		Inner: 32,
		Vocab: 11,
	}
	for _, c := range d.examples(z) {
		t.Run(c.Name, func(t *testing.T) {
			misuse(&device{t, s.k}, c)
			c.Run()
			if err := s.k.Sync(); err != nil {
				t.Error(err)
			}
		})
	}
}

func misuse(d *device, c *fixture.Call) {
	for _, path := range bufferPaths(reflect.TypeOf(c.Args), nil) {
		name := pathName(reflect.TypeOf(c.Args), path)
		b, ok := reflect.ValueOf(c.Args).FieldByIndex(path).Interface().(kernels.Buffer)
		if !ok || b.Len() == 0 {
			continue
		}
		if !anyLength(c.Op.Name, name) {
			short := d.k.Slice(b, b.DType(), 0, b.Len()-1)
			mustPanic(d, "short "+name, func() { c.With(replace(c.Args, path, short)) })
		}
		other := tensor.Int32
		if b.DType() == tensor.Int32 {
			other = tensor.Float32
		}
		wrong := d.alloc(other, b.Len())
		mustPanic(d, "type of "+name, func() { c.With(replace(c.Args, path, wrong)) })
	}
}

// anyLength reports whether an operand's length does not follow from the call: a table of rows picked by index.
func anyLength(call, operand string) bool {
	return (call == "PutRows" && operand == "Dst.Buf") || (call == "GetRows" && operand == "Src.Buf")
}

// bufferPaths are the ways to every Buffer inside a struct of arguments.
func bufferPaths(t reflect.Type, prefix []int) [][]int {
	var paths [][]int
	for i := range t.NumField() {
		path := append(append([]int{}, prefix...), i)
		switch ft := t.Field(i).Type; {
		case ft == reflect.TypeFor[kernels.Buffer]():
			paths = append(paths, path)
		case ft.Kind() == reflect.Struct:
			paths = append(paths, bufferPaths(ft, path)...)
		}
	}
	return paths
}

func pathName(t reflect.Type, path []int) string {
	var names []string
	for i := range path {
		names = append(names, t.FieldByIndex(path[:i+1]).Name)
	}
	return strings.Join(names, ".")
}

// replace is args with one buffer exchanged.
func replace(args any, path []int, b kernels.Buffer) any {
	v := reflect.New(reflect.TypeOf(args)).Elem()
	v.Set(reflect.ValueOf(args))
	v.FieldByIndex(path).Set(reflect.ValueOf(b))
	return v.Interface()
}

// testFaults looks a token up that the table has not: Sync tells, once, naming the kernel, and the backend goes on.
func (s *suite) testFaults(t *testing.T) {
	for _, bad := range []int32{-1, 3, math.MinInt32, math.MaxInt32} {
		d := &device{t, s.k}
		call := kernels.Embed{
			Out:   d.alloc(tensor.Float32, 10),
			Table: d.normal(tensor.Float32, 1, 15),
			IDs:   d.ints(0, bad),
			N:     2,
			V:     3,
			C:     5,
		}
		s.k.Embed(call)
		if err := s.k.Sync(); err == nil {
			t.Errorf("id %d of 3 is no fault", bad)
		} else if !strings.Contains(strings.ToLower(err.Error()), "embed") {
			t.Errorf("fault %q does not name its kernel", err)
		}
		call.IDs = d.ints(0, 2)
		s.k.Embed(call)
		if err := s.k.Sync(); err != nil {
			t.Errorf("the fault outlived Sync: %v", err)
		}
	}
}

// testAllocations makes each call, warm, and counts what it allocates on the Go heap.
func (s *suite) testAllocations(t *testing.T) {
	if s.allocates {
		t.Skip("this backend may allocate")
	}
	d := &device{t, s.k}
	for _, c := range d.examples(fixture.Shape{
		Batch: 2,
		T:     33,
		Width: 32,
		Heads: 2,
		Inner: 128,
		Vocab: 61,
	}) {
		n := testing.AllocsPerRun(5, func() {
			c.Run()
			if err := s.k.Sync(); err != nil {
				t.Error(err)
			}
		})
		if n != 0 {
			t.Errorf("%s allocates %v times a call", c.Name, n)
		}
	}
}

// testNaN wants a NaN of an input in the outputs that depend on it: the training loop skips a step by it.
func (s *suite) testNaN(t *testing.T) {
	nan := float32(math.NaN())
	d := &device{t, s.k}
	wantNaN := func(name string, v float32) {
		if v == v {
			t.Errorf("%s lost a NaN: it is %v", name, v)
		}
	}
	for _, n := range []int{1, 7, 65} {
		for _, at := range []int{0, n - 1} {
			x := normals(1, 1, n, 1)
			x[at] = nan
			bad, f := d.put(tensor.Float32, x), tensor.Float32
			c, gelu := d.alloc(f, 1), d.alloc(f, 1)
			s.k.MatMul(kernels.MatMul{
				C:    c,
				A:    bad,
				B:    d.normal(f, 2, n),
				M:    1,
				N:    1,
				K:    n,
				Gelu: gelu,
			})
			wantNaN("MatMul", d.floats(c)[0])
			wantNaN("MatMul's Gelu", d.floats(gelu)[0])
			y := d.alloc(f, n)
			s.k.LayerNorm(kernels.LayerNorm{
				Y:      y,
				X:      bad,
				Weight: d.constants(n, 1),
				Bias:   d.constants(n, 0),
				Mean:   d.alloc(f, 1),
				RStd:   d.alloc(f, 1),
				Rows:   1,
				Cols:   n,
				Eps:    normEps,
			})
			wantNaN("LayerNorm", d.floats(y)[at])
			wantNaN("LayerNorm", d.floats(y)[n/2])
			nll, grad := d.alloc(f, 1), d.alloc(f, n)
			s.k.CrossEntropy(kernels.CrossEntropy{
				Logits:  bad,
				Targets: d.ints(int32(n / 2)),
				N:       1,
				V:       n,
				NLL:     nll,
				DLogits: grad,
				Scale:   d.constants(1, 1),
			})
			wantNaN("CrossEntropy's NLL", d.floats(nll)[0])
			wantNaN("CrossEntropy's DLogits", d.floats(grad)[n/2])
			out, m := d.alloc(f, 1), newMask(1, 1, n)
			s.k.Attention(kernels.AttentionForward{
				T:    1,
				S:    n,
				H:    1,
				D:    1,
				Q:    kernels.Dense(d.constants(1, 1), 1),
				K:    kernels.Dense(bad, 1),
				V:    kernels.Dense(d.constants(n, 1), 1),
				Out:  kernels.Dense(out, 1),
				LSE:  d.alloc(f, 1),
				Mask: d.mask(m, 0, 1),
			})
			wantNaN("Attention", d.floats(out)[0])
		}
	}
}
