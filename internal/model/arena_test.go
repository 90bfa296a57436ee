package model_test

import (
	"slices"
	"testing"

	"dmtrain/internal/graph"
	"dmtrain/internal/kernels/ref"
	"dmtrain/internal/model"
)

// Passes of different sizes that share an arena compute what they would apart, in memory for the largest, whatever
// order they are recorded in.
func TestPassesShareAnArena(t *testing.T) {
	be := ref.New()
	m := newModel(t, be, smallPair, true)
	m.Init(3)
	type size struct{ b, s, tt int }
	for _, sizes := range [][]size{{{1, 3, 4}, {3, 7, 9}, {2, 5, 5}}, {{3, 7, 9}, {2, 5, 5}, {1, 3, 4}}} {
		shared := graph.NewArena(be)
		var passes []*model.Pass
		largest := 0
		for _, z := range sizes {
			o := model.PassOptions{B: z.b, S: z.s, T: z.tt, Train: true, Arena: shared}
			pass, err := m.NewPass(o)
			if err != nil {
				t.Fatal(err)
			}
			passes = append(passes, pass)
			o.Arena = graph.NewArena(be)
			newPass(t, m, o)
			largest = max(largest, o.Arena.Bytes())
		}
		if shared.Bytes() != largest {
			t.Errorf("arena of %d bytes, the largest pass needs %d", shared.Bytes(), largest)
		}
		step := func(pass *model.Pass, p *pairs) []float32 {
			m.Params.ZeroGrad()
			pass.Load(p.batch, p.plan)
			pass.Supervised(float64(p.plan.Supervised))
			pass.Forward()
			pass.Backward()
			return append(read(t, be, pass.Stats.NLL.Buffer()), read(t, be, m.Params.Grads())...)
		}
		for range 2 {
			for i, z := range sizes {
				p := randomPairs(z.b, z.s, z.tt, smallPair, 0)
				alone := newPass(t, m, model.PassOptions{B: z.b, S: z.s, T: z.tt, Train: true})
				if want := step(alone, p); !slices.Equal(step(passes[i], p), want) {
					t.Errorf("pass %d of %+v: losses and gradients differ from those of a pass alone", i, sizes)
				}
			}
		}
		for _, p := range passes {
			p.Free()
		}
		if shared.Bytes() != 0 {
			t.Errorf("%d bytes are kept", shared.Bytes())
		}
	}
}
