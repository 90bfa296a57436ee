package model_test

import (
	"math"
	"testing"

	"dmtrain/internal/kernels/ref"
	"dmtrain/internal/model"
	"dmtrain/internal/rng"
)

// The golden cases have no dropout, edge dropping or learned fill. Their gradients are held to central differences of
// the loss, along one random direction a parameter: (L(w+hd) − L(w−hd))/2h against g·d.
func TestGradientsWithDroppingAndLearnedFill(t *testing.T) {
	be := ref.New()
	c := model.Config{Vocab: 11, Context: 9, Layers: 2, Heads: 2, Dim: 8, LearnedFill: true}
	m, err := model.New(be, c, true)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range m.Params.All() {
		be.Upload(p.Value(), direction(p.Index, p.Shape.Elems(), 0.3, 7))
	}
	rows, plan := causalPlan(3, 9, c.Vocab, 0.4)
	pass, err := m.NewPass(model.PassOptions{B: 3, T: 9, Train: true, Hide: true, Dropout: 0.2, EdgeDrop: 0.1})
	if err != nil {
		t.Fatal(err)
	}
	pass.Load(rows, plan)
	pass.At(5, 3, 12)
	pass.Supervised(float64(plan.Supervised))
	loss := func() float64 {
		pass.Forward()
		return meanLoss(read(t, be, pass.Stats.NLL.Buffer()), plan.Supervised)
	}
	m.Params.ZeroGrad()
	loss()
	pass.Backward()
	for _, p := range m.Params.All() {
		const h = 1e-2
		w, g := read(t, be, p.Value()), read(t, be, p.Grad())
		d := direction(p.Index, len(w), 1/math.Sqrt(float64(len(w))), 8)
		moved := func(by float64) float64 {
			v := make([]float32, len(w))
			for i := range v {
				v[i] = w[i] + float32(by)*d[i]
			}
			be.Upload(p.Value(), v)
			return loss()
		}
		want := (8*(moved(h)-moved(-h)) - (moved(2*h) - moved(-2*h))) / (12 * h)
		be.Upload(p.Value(), w)
		got, norm := 0.0, 0.0
		for i := range g {
			got += float64(g[i]) * float64(d[i])
			norm += float64(g[i]) * float64(g[i])
		}
		if norm == 0 {
			t.Errorf("%s has no gradient", p.Name)
		}
		if diff := math.Abs(got - want); diff > 2e-4*(math.Abs(want)+math.Sqrt(norm)) {
			t.Errorf("%s: slope %.7g, central difference %.7g", p.Name, got, want)
		}
	}
}

func direction(index, n int, std float64, seed uint64) []float32 {
	d := make([]float32, n)
	for i := range d {
		d[i] = float32(std * rng.Normal(seed, rng.Probe, 0, uint32(index), uint32(i)))
	}
	return d
}
