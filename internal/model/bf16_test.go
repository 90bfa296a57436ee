package model_test

import (
	"math"
	"testing"

	"dmtrain/internal/graph"
	"dmtrain/internal/kernels"
	"dmtrain/internal/kernels/ref"
	"dmtrain/internal/model"
	"dmtrain/internal/tensor"
)

// unit is what rounding to bfloat16, which has 8 significant bits, changes a number by at most, relative to it.
const unit = 0x1p-8

// lowBackends compute on bfloat16.
func lowBackends(t *testing.T) []namedBackend {
	return append([]namedBackend{{"ref", ref.New()}}, device(t)...)
}

// A gradient in bfloat16 is the float32 one up to rounding. Between a parameter and the loss and back lie about forty
// rounded buffers, ten a layer each way, which are off by at most unit each and independently: √40·unit together.
// Gradients whose terms nearly cancel, such as those of queries' norms, are off by up to twice that share of what is
// left of them.
const gradientTolerance = 2 * 6.3 * unit

// gradients are a pass's by parameter, and its loss.
type gradients struct {
	loss   float64
	params [][]float32
}

func gradientsOf(t *testing.T, be kernels.Backend, params *graph.Params, stats *graph.TokenStats, supervised int,
	pass interface {
		Forward()
		Backward()
	}) gradients {
	t.Helper()
	params.ZeroGrad()
	pass.Forward()
	pass.Backward()
	g := gradients{loss: meanLoss(read(t, be, stats.NLL.Buffer()), supervised)}
	for _, p := range params.All() {
		g.params = append(g.params, read(t, be, p.Grad()))
	}
	return g
}

func (low gradients) near(t *testing.T, full gradients, params *graph.Params) {
	t.Helper()
	if d := math.Abs(low.loss-full.loss) / full.loss; !(d <= unit) {
		t.Errorf("loss %v, in float32 %v", low.loss, full.loss)
	}
	same := true
	for i, p := range params.All() {
		diff, norm := 0.0, 0.0
		for j, want := range full.params[i] {
			d := float64(low.params[i][j]) - float64(want)
			diff, norm = diff+d*d, norm+float64(want)*float64(want)
			same = same && d == 0
		}
		if !(diff <= gradientTolerance*gradientTolerance*norm) {
			t.Errorf("%s: the gradient is off by %.2g of its norm", p.Name, math.Sqrt(diff/norm))
		}
	}
	if same {
		t.Error("both precisions have the same bits: nothing was computed in bfloat16")
	}
}

func TestBFloat16Gradients(t *testing.T) {
	for _, b := range lowBackends(t) {
		t.Run(b.name, func(t *testing.T) {
			run := func(precision tensor.DType) (gradients, *graph.Params) {
				c := model.Config{
					Vocab:       29,
					Context:     17,
					Layers:      2,
					Heads:       2,
					Dim:         32,
					LearnedFill: true,
					Precision:   precision,
				}
				m, err := model.New(b, c, true)
				if err != nil {
					t.Fatal(err)
				}
				for _, p := range m.Params.All() {
					m.Params.Set(p, direction(p.Index, p.Shape.Elems(), 0.2, 7))
				}
				rows, plan := causalPlan(3, 17, c.Vocab, 0.3)
				pass, err := m.NewPass(model.PassOptions{
					B:        3,
					T:        17,
					Train:    true,
					Hide:     true,
					Dropout:  0.2,
					EdgeDrop: 0.1,
				})
				if err != nil {
					t.Fatal(err)
				}
				pass.Load(rows, plan)
				pass.At(5, 3, 12)
				pass.Supervised(float64(plan.Supervised))
				return gradientsOf(t, b, m.Params, &pass.Stats, plan.Supervised, pass), m.Params
			}
			full, _ := run(tensor.Float32)
			low, params := run(tensor.BFloat16)
			low.near(t, full, params)
		})
	}
}

func TestBFloat16PairGradients(t *testing.T) {
	for _, b := range lowBackends(t) {
		t.Run(b.name, func(t *testing.T) {
			run := func(precision tensor.DType) (gradients, *graph.Params) {
				c := model.Config{
					Vocab:         29,
					Context:       11,
					Layers:        2,
					Heads:         2,
					Dim:           32,
					LearnedFill:   true,
					Encoder:       true,
					CausalEncoder: true,
					Precision:     precision,
				}
				m := newModel(t, b, c, true)
				for _, p := range m.Params.All() {
					m.Params.Set(p, direction(p.Index, p.Shape.Elems(), 0.2, 7))
				}
				p := randomPairs(3, 7, 11, c, 0.4)
				for i := range p.rate() {
					p.rate()[i] = float32(i % 4 / 3)
				}
				pass := newPass(t, m, model.PassOptions{
					B:          3,
					S:          7,
					T:          11,
					Train:      true,
					Hide:       true,
					HideSource: true,
					Dropout:    0.2,
					EdgeDrop:   0.1,
					Smoothing:  0.1,
				})
				pass.Load(p.batch, p.plan)
				pass.At(5, 3, 12)
				pass.Supervised(float64(p.plan.Supervised))
				return gradientsOf(t, b, m.Params, &pass.Stats, p.plan.Supervised, pass), m.Params
			}
			full, _ := run(tensor.Float32)
			low, params := run(tensor.BFloat16)
			low.near(t, full, params)
		})
	}
}
