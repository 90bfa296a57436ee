package model_test

import (
	"math"
	"testing"

	"dmtrain/internal/kernels"
	"dmtrain/internal/kernels/ref"
	"dmtrain/internal/mask"
	"dmtrain/internal/model"
	"dmtrain/internal/rng"
	"dmtrain/internal/tensor"
)

// The golden cases have no dropout, edge dropping or learned fill. Their gradients are held to central differences of the loss,
// along one random direction a parameter: (L(w+hd) − L(w−hd))/2h against g·d.
func TestGradientsWithDroppingAndLearnedFill(t *testing.T) {
	be := ref.New()
	c := model.Config{Vocab: 11, Context: 9, Layers: 2, Heads: 2, Dim: 8, LearnedFill: true}
	m, err := model.NewDecoder(be, c, true)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range m.Params.All() {
		be.Upload(p.Value(), direction(p.Index, p.Shape.Elems(), 0.3, 7))
	}
	ids, plan := causalPlan(3, 9, c.Vocab, 0.4)
	pass, err := m.NewPass(model.PassOptions{B: 3, T: 9, Train: true, Hide: true, Dropout: 0.2, EdgeDrop: 0.1})
	if err != nil {
		t.Fatal(err)
	}
	pass.Load(ids, plan)
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

// causalPlan is random tokens under the causal mask, each hidden at the given rate.
func causalPlan(b, n, vocab int, rate float32) ([]int32, *mask.Plan) {
	p := &mask.Plan{B: b, T: n, Mask: mask.Mask{Rows: b, T: n, S: n}}
	ids := make([]int32, b*n)
	for i := range ids {
		ids[i] = int32(rng.Below(1, rng.Probe, 0, 0, uint32(i), vocab))
	}
	for i := range ids {
		at, next := int32(i%n), int32(-1)
		if i%n < n-1 {
			next = ids[i+1]
			p.Supervised++
		}
		p.Targets = append(p.Targets, next)
		p.Rate = append(p.Rate, rate)
		p.Mask.Pos = append(p.Mask.Pos, at)
		p.Mask.Lo = append(p.Mask.Lo, 0)
		p.Mask.Hi = append(p.Mask.Hi, at)
	}
	return ids, p
}

// A cached decode must give what a full pass gives, whichever way the tokens are cut into passes.
func TestDecodeEqualsFullPass(t *testing.T) {
	for _, b := range backends(t) {
		t.Run(b.name, func(t *testing.T) { decodeEqualsFullPass(t, b.Backend, tensor.Float32, 1e-6) })
	}
}

func decodeEqualsFullPass(t *testing.T, be kernels.Backend, precision tensor.DType, tol float64) {
	c := model.Config{Vocab: 13, Context: 12, Layers: 2, Heads: 2, Dim: 16, Precision: precision}
	m, err := model.NewDecoder(be, c, false)
	if err != nil {
		t.Fatal(err)
	}
	m.Init(3)
	const rows, n = 2, 10
	ids, plan := causalPlan(rows, n, c.Vocab, 0)
	full, err := m.NewPass(model.PassOptions{B: rows, T: n, Logits: true})
	if err != nil {
		t.Fatal(err)
	}
	full.Load(ids, plan)
	full.Forward()
	want := read(t, be, full.Logits.Buffer())

	first, err := m.NewDecode(model.DecodeOptions{B: rows, T: 4}, nil)
	if err != nil {
		t.Fatal(err)
	}
	one, err := m.NewDecode(model.DecodeOptions{B: rows, T: 1}, first)
	if err != nil {
		t.Fatal(err)
	}
	for at := 0; at < n; {
		d := one
		if at == 0 {
			d = first
		}
		tok := d.NewTokens()
		for r := range rows {
			for i := range at + d.T {
				tok.Pos[r*d.S+i] = int32(i)
			}
			for i := range d.T {
				k := r*d.T + i
				tok.IDs[k], tok.Positions[k], tok.Keep[k], tok.Hi[k] = ids[r*n+at+i], int32(at+i), true, int32(at+i)
			}
		}
		logits := make([]float32, rows*d.T*c.Vocab)
		if err := d.Run(tok, logits); err != nil {
			t.Fatal(err)
		}
		for r := range rows {
			for i := range d.T * c.Vocab {
				got, want := logits[r*d.T*c.Vocab+i], want[(r*n+at)*c.Vocab+i]
				if math.Abs(float64(got-want)) > tol {
					t.Fatalf("row %d, token %d: logit %v, full pass %v", r, at+i/c.Vocab, got, want)
				}
			}
		}
		at += d.T
	}
}
