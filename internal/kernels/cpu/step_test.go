package cpu

import (
	"math"
	"testing"

	"dmtrain/internal/kernels/fixture"
	"dmtrain/internal/tensor"
)

// ragged leaves a rest everywhere.
var ragged = fixture.Shape{Batch: 3, T: 77, Width: 48, Heads: 2, Inner: 211, Vocab: 211, Ragged: 5}

// examples are calls of every operation on a backend.
func examples(tb testing.TB, b *Backend) []*fixture.Call {
	tb.Helper()
	var all []*fixture.Call
	for _, e := range fixture.Examples() {
		c, err := e.On(b, tensor.Float32, ragged)
		if err != nil {
			tb.Fatal(err)
		}
		all = append(all, c)
	}
	return all
}

// outputs are what a call wrote.
func outputs(tb testing.TB, c *fixture.Call) []float64 {
	tb.Helper()
	var all []float64
	for _, o := range c.Outputs {
		v, err := c.Read(o)
		if err != nil {
			tb.Fatal(err)
		}
		all = append(all, v...)
	}
	return all
}

func open(tb testing.TB, threads int) *Backend {
	tb.Helper()
	b, err := New(Options{Threads: threads})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { b.Close() })
	return b
}

func TestThreadsDoNotChangeABit(t *testing.T) { eachPath(t, testThreadsDoNotChangeABit) }

func testThreadsDoNotChangeABit(t *testing.T) {
	var want [][]float64
	for _, threads := range []int{1, 2, 3, 7} {
		for i, c := range examples(t, open(t, threads)) {
			c.Run()
			c.Run() // what accumulates begins anew from another number
			got := outputs(t, c)
			if threads == 1 {
				want = append(want, got)
			}
			differing, nans := 0, 0
			for j, x := range got {
				if math.Float64bits(x) != math.Float64bits(want[i][j]) {
					differing++
				}
				if x != x {
					nans++
				}
			}
			if differing > 0 || nans > 0 {
				t.Errorf("%s: with %d threads %d of %d values differ from 1 thread's, %d are NaN",
					c.Name, threads, differing, len(got), nans)
			}
		}
	}
}

func TestSteadyStateAllocatesNothing(t *testing.T) { eachPath(t, testSteadyStateAllocatesNothing) }

func testSteadyStateAllocatesNothing(t *testing.T) {
	for _, threads := range []int{1, 2} {
		for _, c := range examples(t, open(t, threads)) {
			if n := testing.AllocsPerRun(5, c.Run); n != 0 {
				t.Errorf("%s with %d threads: %v allocations a call", c.Name, threads, n)
			}
		}
	}
}
