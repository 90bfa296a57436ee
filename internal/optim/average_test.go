package optim_test

import (
	"math"
	"testing"

	"dmtrain/internal/graph"
	"dmtrain/internal/kernels"
	"dmtrain/internal/optim"
	"dmtrain/internal/tensor"
)

func TestAverageIsItsFormula(t *testing.T) { eachBackend(t, testAverageIsItsFormula) }

func testAverageIsItsFormula(t *testing.T, be kernels.Backend) {
	params, err := graph.NewParams(be, []graph.ParamSpec{
		{Name: "w", Shape: tensor.Shape{3, 5}, Decay: true},
		{Name: "b", Shape: tensor.Shape{7}},
	}, tensor.Float32, true)
	if err != nil {
		t.Fatal(err)
	}
	value := func(step, i int) float32 { return float32(math.Sin(float64(step*31 + i))) }
	n := params.Len()
	now, want := make([]float32, n), make([]float64, n)
	set := func(step int) {
		for i := range now {
			now[i] = value(step, i)
		}
		be.Upload(params.Flat(), now)
	}
	set(0)
	for i := range want {
		want[i] = float64(now[i])
	}
	const decay = 0.6 // reached after the fifth step
	a, err := optim.NewAverage(be, params, decay)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Free()
	got := make([]float32, n)
	for step := 1; step <= 20; step++ {
		set(step)
		a.Update(step)
		d := math.Min(decay, float64(1+step)/float64(10+step))
		if err := be.Download(got, a.Mean); err != nil {
			t.Fatal(err)
		}
		for i := range want {
			want[i] = d*want[i] + (1-d)*float64(now[i])
			if math.Abs(float64(got[i])-want[i]) > 1e-6 {
				t.Fatalf("step %d, element %d: %v, want %v", step, i, got[i], want[i])
			}
		}
	}

	if err := a.Swap(); err != nil {
		t.Fatal(err)
	}
	swapped := make([]float32, n)
	if err := be.Download(swapped, params.Flat()); err != nil {
		t.Fatal(err)
	}
	for i := range got {
		if math.Float32bits(swapped[i]) != math.Float32bits(got[i]) {
			t.Fatalf("element %d: the model has %v, the average is %v", i, swapped[i], got[i])
		}
	}
	if err := a.Swap(); err != nil {
		t.Fatal(err)
	}
	if err := be.Download(swapped, params.Flat()); err != nil {
		t.Fatal(err)
	}
	for i := range now {
		if math.Float32bits(swapped[i]) != math.Float32bits(now[i]) {
			t.Fatalf("element %d: %v after swapping twice, was %v", i, swapped[i], now[i])
		}
	}
}
