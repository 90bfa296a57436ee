package kernelstest

import (
	"bytes"
	"fmt"
	"hash/fnv"
	"strings"

	"pgregory.net/rapid"

	"dmtrain/internal/kernels"
	"dmtrain/internal/tensor"
)

const (
	poison    = 0xFF // as every byte: NaN in float32 and bfloat16, −1 in int32, 255 in uint8
	guard     = 320  // bytes left free after each operand: more than any vector or row of a tile runs over by
	alignment = 256
)

// trial is one call to be made on both backends.
type trial struct {
	rapid.TB
	s        *suite
	seed     uint64
	skew     int // elements by which operands miss alignment
	operands []*operand
	streams  uint32
}

// trial starts a trial. Its numbers follow from the subtest's name, so that any subtest can be run alone and all
// backends see the same, or from rapid's draws. Two thirds of all trials misalign their operands, by one or three
// elements.
func (s *suite) trial(tb rapid.TB) *trial {
	var seed uint64
	if r, ok := tb.(*rapid.T); ok {
		seed = rapid.Uint64Max(1<<20).Draw(r, "seed")
	} else {
		_, name, _ := strings.Cut(tb.Name(), "/")
		s.trials[name]++
		h := fnv.New64a()
		fmt.Fprint(h, name, s.trials[name])
		seed = h.Sum64()
	}
	return &trial{
		TB:   tb,
		s:    s,
		seed: seed,
		skew: []int{0, 1, 3}[seed%3],
	}
}

// role is what a call does with an operand.
type role int

const (
	input   role = iota // must not change
	output              // assigned: every element is poisoned before
	updated             // read and assigned
	scratch             // may hold anything afterwards
)

// operand is a matrix inside a wider one, in the arena. A plain buffer is a single row.
type operand struct {
	name               string
	role               role
	dtype              tensor.DType
	rows, cols         int
	offset, stride     int
	values             any // []float32, []int32 or []uint8, dense; nil for outputs
	tolerance          tolerance
	position, capacity int // in the arena: byte offset and elements
}

// in adds an input of values, which are []float32, []int32 or []uint8.
func (t *trial) in(name string, dt tensor.DType, values any) *operand {
	return t.add(&operand{
		name:   name,
		role:   input,
		dtype:  dt,
		rows:   1,
		cols:   length(values),
		values: values,
	})
}

// out adds an output of n elements.
func (t *trial) out(name string, dt tensor.DType, n int, tol tolerance) *operand {
	return t.add(&operand{
		name:      name,
		role:      output,
		dtype:     dt,
		rows:      1,
		cols:      n,
		tolerance: tol,
	})
}

// update adds an operand that is read and assigned.
func (t *trial) update(name string, dt tensor.DType, values any, tol tolerance) *operand {
	return t.add(&operand{
		name:      name,
		role:      updated,
		dtype:     dt,
		rows:      1,
		cols:      length(values),
		values:    values,
		tolerance: tol,
	})
}

// scratch adds n elements that may hold anything.
func (t *trial) scratch(name string, dt tensor.DType, n int) *operand {
	return t.add(&operand{
		name:  name,
		role:  scratch,
		dtype: dt,
		rows:  1,
		cols:  n,
	})
}

func (t *trial) add(o *operand) *operand {
	t.operands = append(t.operands, o)
	return o.strided(o.cols, 0, 0)
}

// strided lays the operand out as rows of a width, at an offset and with a gap between.
func (o *operand) strided(cols, offset, gap int) *operand {
	o.rows, o.cols = o.rows*o.cols/max(cols, 1), cols
	o.offset, o.stride = offset, cols+gap
	o.capacity = offset + max(o.rows-1, 0)*o.stride + cols
	return o
}

func (o *operand) len() int { return o.rows * o.cols }

// element is where the i-th element of the dense matrix lies.
func (o *operand) element(i int) int {
	return o.offset + i/o.cols*o.stride + i%o.cols
}

// bound is the trial's operands in one backend's memory.
type bound struct {
	t       *trial
	k       kernels.Backend
	buffers map[*operand]kernels.Buffer
	tables  []kernels.Buffer
}

// buf is the operand's buffer; a nil operand has none.
func (b *bound) buf(o *operand) kernels.Buffer {
	if o == nil {
		return nil
	}
	return b.buffers[o]
}

// rows is the operand as a matrix.
func (b *bound) rows(o *operand) kernels.Strided {
	return kernels.Strided{Buf: b.buf(o), Offset: o.offset, Stride: o.stride}
}

// check makes the call on both backends, compares, and returns what the one under test wrote.
func (t *trial) check(call func(k kernels.Backend, b *bound)) *result {
	t.Helper()
	arena := t.arena()
	want, got := t.run(t.s.ref, arena, call), t.run(t.s.k, arena, call)
	t.compareOutputs(got, want)
	t.compareRest(got, arena)
	if t.skew == 0 {
		t.compareRuns(got, t.run(t.s.k, arena, call))
	}
	return &result{got}
}

// arena lays out the operands and returns the bytes they start with.
func (t *trial) arena() []byte {
	size := 0
	for _, o := range t.operands {
		o.position = size + t.skew*o.dtype.Size()
		end := o.position + o.capacity*o.dtype.Size() + guard
		size = (end + alignment - 1) / alignment * alignment
	}
	arena := make([]byte, size)
	for i := range arena {
		arena[i] = poison
	}
	for _, o := range t.operands {
		if o.values != nil {
			o.encode(arena)
		}
	}
	return arena
}

// run makes the call on one backend and returns the arena as it leaves it.
func (t *trial) run(k kernels.Backend, arena []byte, call func(k kernels.Backend, b *bound)) []byte {
	t.Helper()
	whole := alloc(t, k, tensor.Uint8, len(arena))
	defer k.Free(whole)
	k.Upload(whole, arena)
	b := &bound{t: t, k: k, buffers: map[*operand]kernels.Buffer{}}
	for _, o := range t.operands {
		b.buffers[o] = k.Slice(whole, o.dtype, o.position, o.capacity)
	}
	call(k, b)
	after := make([]byte, len(arena))
	if err := k.Download(after, whole); err != nil {
		t.Fatalf("%s: %v", k.Info().Name, err)
	}
	for _, tables := range b.tables {
		k.Free(tables)
	}
	return after
}

// compareOutputs holds every assigned element against the reference's.
func (t *trial) compareOutputs(got, want []byte) {
	t.Helper()
	for _, o := range t.operands {
		if o.role != output && o.role != updated {
			continue
		}
		g, w := o.decode(got), o.decode(want)
		limit := o.tolerance.limit(o.dtype, w)
		wrong, first := 0, ""
		for i := range w {
			if !o.tolerance.nan && w[i] != w[i] {
				t.Fatalf("%s: the reference left NaN at %d of %d", o.name, i, len(w))
			}
			if !near(g[i], w[i], limit(i)) {
				if wrong++; wrong == 1 {
					first = fmt.Sprintf("%v, want %v ± %.2g", o.show(g[i]), w[i], limit(i))
					first = fmt.Sprintf("element (%d, %d) is %s", i/o.cols, i%o.cols, first)
				}
			}
		}
		if wrong > 0 {
			t.Errorf("%s: %d of %d elements are wrong; %s", o.name, wrong, len(w), first)
		}
	}
}

// show marks what was probably never written.
func (o *operand) show(v float64) any {
	if v != v {
		return "NaN (unwritten?)"
	}
	return v
}

// compareRest checks that no byte outside the outputs has changed.
func (t *trial) compareRest(got, before []byte) {
	t.Helper()
	written := make([]bool, len(got))
	for _, o := range t.operands {
		if o.role == input {
			continue
		}
		for i := range o.len() {
			at := o.position + o.element(i)*o.dtype.Size()
			for b := range o.dtype.Size() {
				written[at+b] = true
			}
		}
	}
	for i := range got {
		if !written[i] && got[i] != before[i] {
			t.Errorf("a byte outside the outputs was written: %s", t.whose(i))
			return
		}
	}
}

// compareRuns wants the same bits from the same call.
func (t *trial) compareRuns(first, second []byte) {
	t.Helper()
	for _, o := range t.operands {
		if end := o.position + o.capacity*o.dtype.Size(); o.role != scratch &&
			!bytes.Equal(first[o.position:end], second[o.position:end]) {
			t.Errorf("%s has other bits when the call is repeated", o.name)
		}
	}
}

// whose names the operand that a byte of the arena belongs to or is near.
func (t *trial) whose(at int) string {
	for _, o := range t.operands {
		i := (at - o.position) / o.dtype.Size()
		switch {
		case at < o.position:
			return fmt.Sprintf("%d bytes before %s", o.position-at, o.name)
		case i < o.capacity:
			return fmt.Sprintf("element %d of %s (rows of %d, stride %d, offset %d)", i, o.name, o.cols, o.stride,
				o.offset)
		case at < o.position+o.capacity*o.dtype.Size()+guard:
			return fmt.Sprintf("%d elements past the end of %s", i-o.capacity+1, o.name)
		}
	}
	return "in the last guard"
}

// result is the arena after the call.
type result struct{ arena []byte }

// of is what an operand holds, widened.
func (r *result) of(o *operand) []float64 { return o.decode(r.arena) }

// alloc is Alloc that ends the test when there is no room.
func alloc(tb rapid.TB, k kernels.Backend, dt tensor.DType, n int) kernels.Buffer {
	tb.Helper()
	b, err := k.Alloc(dt, n)
	if err != nil {
		tb.Fatalf("%s: %v", k.Info().Name, err)
	}
	return b
}
