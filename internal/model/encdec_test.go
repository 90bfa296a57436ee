package model_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"dmtrain/internal/kernels"
	"dmtrain/internal/kernels/ref"
	"dmtrain/internal/model"
)

func newModel(t *testing.T, be kernels.Backend, c model.Config, train bool) *model.Model {
	t.Helper()
	m, err := model.New(be, c, train)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Free)
	return m
}

func newPass(t *testing.T, m *model.Model, o model.PassOptions) *model.Pass {
	t.Helper()
	p, err := m.NewPass(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Free)
	return p
}

// logits are those of one pass over pairs.
func (p *pairs) logits(t *testing.T, be kernels.Backend, m *model.Model) []float32 {
	t.Helper()
	pass := newPass(t, m, model.PassOptions{
		B:          p.b,
		S:          p.s,
		T:          p.t,
		Logits:     true,
		HideSource: true,
	})
	pass.Load(p.batch, p.plan)
	pass.Forward()
	return read(t, be, pass.Logits.Buffer())
}

var smallPair = model.Config{
	Vocab:   11,
	Context: 9,
	Layers:  2,
	Heads:   2,
	Dim:     8,
	Encoder: true,
}

// The golden cases have no dropout, edge dropping, learned fill or hidden source. Their gradients are held to central
// differences of the loss along one random direction a parameter.
func TestPairGradientsWithDroppingAndLearnedFill(t *testing.T) {
	be := ref.New()
	c := smallPair
	c.LearnedFill, c.CausalEncoder = true, true
	m := newModel(t, be, c, true)
	for _, p := range m.Params.All() {
		be.Upload(p.Value(), direction(p.Index, p.Shape.Elems(), 0.7, 7))
	}
	p := randomPairs(3, 7, 9, c, 0.4)
	for i := range p.rate() {
		p.rate()[i] = float32(i % 4 / 3)
	}
	pass := newPass(t, m, model.PassOptions{
		B:          3,
		S:          7,
		T:          9,
		Train:      true,
		Hide:       true,
		HideSource: true,
		Dropout:    0.2,
		EdgeDrop:   0.1,
	})
	pass.Load(p.batch, p.plan)
	pass.At(5, 3, 12)
	pass.Supervised(float64(p.plan.Supervised))
	loss := func() float64 {
		pass.Forward()
		return meanLoss(read(t, be, pass.Stats.NLL.Buffer()), p.plan.Supervised)
	}
	m.Params.ZeroGrad()
	loss()
	pass.Backward()
	for _, param := range m.Params.All() {
		w, g := read(t, be, param.Value()), read(t, be, param.Grad())
		d := direction(param.Index, len(w), 1/math.Sqrt(float64(len(w))), 8)
		slope, norm := 0.0, 0.0
		for i := range g {
			slope += float64(g[i]) * float64(d[i])
			norm += float64(g[i]) * float64(g[i])
		}
		if norm == 0 {
			t.Errorf("%s has no gradient", param.Name)
		}
		want := centralDifference(func(by float64) float64 {
			moved := slices.Clone(w)
			for i := range moved {
				moved[i] += float32(by) * d[i]
			}
			be.Upload(param.Value(), moved)
			return loss()
		})
		be.Upload(param.Value(), w)
		if diff := math.Abs(slope - want); diff > 2e-4*(math.Abs(want)+math.Sqrt(norm)) {
			t.Errorf("%s: slope %.7g, central difference %.7g", param.Name, slope, want)
		}
	}
}

// centralDifference is f'(0) by the fourth-order formula. The step keeps its error, h⁴, and a float32 loss's rounding,
// 1e-7/h, of a size.
func centralDifference(f func(float64) float64) float64 {
	const h = 2.5e-2
	return (8*(f(h)-f(-h)) - (f(2*h) - f(-2*h))) / (12 * h)
}

// What lies in a source's padding reaches no output, to the bit.
func TestPaddingReachesNothing(t *testing.T) {
	for _, b := range backends(t) {
		t.Run(b.name, func(t *testing.T) {
			m := newModel(t, b, smallPair, false)
			m.Init(3)
			p := randomPairs(3, 7, 6, smallPair, 0)
			want := p.logits(t, b, m)
			for i := range p.source().IDs {
				if int32(i%p.s) >= p.lens[i/p.s] {
					p.source().IDs[i] = (p.source().IDs[i] + 5) % int32(smallPair.Vocab)
				}
			}
			if !slices.Equal(p.logits(t, b, m), want) {
				t.Error("another padding gives other logits")
			}
		})
	}
}

// Under wait-k with a causal encoder, a source word that a target hasn't read changes nothing there, to the bit; one it
// has read does. Without a causal encoder it would: that shows that the test can fail.
func TestUnreadSourceReachesNothing(t *testing.T) {
	for _, b := range backends(t) {
		t.Run(b.name, func(t *testing.T) {
			const k, changed = 2, 4
			for _, causal := range []bool{true, false} {
				c := smallPair
				c.CausalEncoder = causal
				m := newModel(t, b, c, false)
				m.Init(3)
				p := randomPairs(1, 7, 6, c, 0)
				for i := range p.limit() {
					p.limit()[i] = int32(i + k - 1)
				}
				before := p.logits(t, b, m)
				p.source().IDs[changed] = (p.source().IDs[changed] + 1) % int32(c.Vocab)
				after := p.logits(t, b, m)
				for i := range p.t {
					row := func(x []float32) []float32 { return x[i*c.Vocab : (i+1)*c.Vocab] }
					same := slices.Equal(row(before), row(after))
					if want := causal && p.limit()[i] < changed; same != want {
						t.Errorf("causal encoder %v, target %d sees %d: unchanged = %v", causal, i, p.limit()[i], same)
					}
				}
			}
		})
	}
}

// Rates between 0 and 1 hide by draws that are the step's own, and the target's rates are drawn for apart.
func TestSourceTokensAreHiddenAtRandom(t *testing.T) {
	be := ref.New()
	m := newModel(t, be, smallPair, false)
	m.Init(3)
	p := randomPairs(2, 7, 6, smallPair, 0)
	pass := newPass(t, m, model.PassOptions{
		B:          2,
		S:          7,
		T:          6,
		Logits:     true,
		HideSource: true,
	})
	logits := func(rate float32, step int) []float32 {
		for i := range p.rate() {
			p.rate()[i] = rate
		}
		pass.Load(p.batch, p.plan)
		pass.At(5, step, 0)
		pass.Forward()
		return read(t, be, pass.Logits.Buffer())
	}
	open, all, some := logits(0, 1), logits(1, 1), logits(0.5, 1)
	if slices.Equal(some, open) || slices.Equal(some, all) {
		t.Error("half of the source hidden is as none or all of it")
	}
	if !slices.Equal(some, logits(0.5, 1)) {
		t.Error("the same step hides other tokens")
	}
	if slices.Equal(some, logits(0.5, 2)) {
		t.Error("another step hides the same tokens")
	}
}

// A hidden source token's own id reaches no output.
func TestHiddenSourceReachesNothing(t *testing.T) {
	be := ref.New()
	m := newModel(t, be, smallPair, false)
	m.Init(3)
	p := randomPairs(2, 7, 6, smallPair, 0)
	open := p.logits(t, be, m)
	p.rate()[1] = 1
	hidden := p.logits(t, be, m)
	p.source().IDs[1] = (p.source().IDs[1] + 1) % int32(smallPair.Vocab)
	if !slices.Equal(p.logits(t, be, m), hidden) {
		t.Error("the hidden token's id shows")
	}
	if slices.Equal(open, hidden) {
		t.Error("hiding a token changes nothing")
	}
}

func TestPairConfigRefusesTheImpossible(t *testing.T) {
	odd := smallPair
	odd.Heads, odd.Dim = 1, 7
	none := smallPair
	none.Layers = 0
	for key, c := range map[string]model.Config{"model.dim": odd, "model.layers": none} {
		if err := c.Check(); err == nil || !strings.HasPrefix(err.Error(), key) {
			t.Errorf("%+v: error %v, want one on %s", c, err, key)
		}
	}
	be := ref.New()
	m := newModel(t, be, smallPair, false)
	for _, o := range []model.PassOptions{{B: 1, S: 10, T: 2}, {B: 1, S: 2, T: 10}} {
		if _, err := m.NewPass(o); err == nil {
			t.Errorf("%+v: no error in a model of %d positions", o, smallPair.Context)
		}
	}
	if _, err := m.NewDecode(model.DecodeOptions{
		Sources: 1,
		Beams:   1,
		T:       1,
		S:       10,
	}, nil); err == nil {
		t.Error("a source longer than the model's positions: no error")
	}
}

// The initial logits have size 1 or so, whatever the width.
func TestPairInitIsScaled(t *testing.T) {
	be := ref.New()
	for _, dim := range []int{16, 64, 128} {
		c := model.Config{
			Vocab:   100,
			Context: 9,
			Layers:  2,
			Heads:   2,
			Dim:     dim,
			Encoder: true,
		}
		m := newModel(t, be, c, false)
		m.Init(1)
		sum, logits := 0.0, randomPairs(2, 9, 9, c, 0).logits(t, be, m)
		for _, l := range logits {
			sum += float64(l) * float64(l)
		}
		if rms := math.Sqrt(sum / float64(len(logits))); rms < 0.7 || rms > 1.5 {
			t.Errorf("width %d: logits of size %.3f", dim, rms)
		}
	}
}

// With smoothing ε the gradient is that of (1−ε) times the targets' loss and ε times the mean over all classes.
func TestPairLabelSmoothing(t *testing.T) {
	const smoothing = 0.2
	for _, b := range backends(t) {
		t.Run(b.name, func(t *testing.T) {
			m := newModel(t, b, smallPair, true)
			m.Init(3)
			p := randomPairs(2, 5, 6, smallPair, 0)
			gradient := func(smoothing float32, targets []int32) [][]float32 {
				pass := newPass(t, m, model.PassOptions{
					B:         p.b,
					S:         p.s,
					T:         p.t,
					Train:     true,
					Smoothing: smoothing,
				})
				plan := *p.plan
				plan.Targets = targets
				pass.Load(p.batch, &plan)
				pass.Supervised(1)
				m.Params.ZeroGrad()
				pass.Forward()
				pass.Backward()
				var grads [][]float32
				for _, param := range m.Params.All() {
					grads = append(grads, read(t, b, param.Grad()))
				}
				return grads
			}
			got, want := gradient(smoothing, p.plan.Targets), gradient(0, p.plan.Targets)
			scaleAll(want, 1-smoothing)
			for class := range smallPair.Vocab {
				everywhere := slices.Clone(p.plan.Targets)
				for i, y := range everywhere {
					if y >= 0 {
						everywhere[i] = int32(class)
					}
				}
				one := gradient(0, everywhere)
				scaleAll(one, smoothing/float32(smallPair.Vocab))
				for i := range one {
					for j, g := range one[i] {
						want[i][j] += g
					}
				}
			}
			for i, param := range m.Params.All() {
				diff, norm := 0.0, 0.0
				for j, g := range got[i] {
					diff += float64(g-want[i][j]) * float64(g-want[i][j])
					norm += float64(g) * float64(g)
				}
				if !(math.Sqrt(diff) <= 1e-5*math.Sqrt(norm)) {
					t.Errorf("%s: relative distance %.2g", param.Name, math.Sqrt(diff/norm))
				}
			}
		})
	}
}

func scaleAll(x [][]float32, by float32) {
	for _, row := range x {
		for i := range row {
			row[i] *= by
		}
	}
}

// The arithmetic of a pair is that of its products, three times: forward, and backward for both operands.
func TestFlopsPerPair(t *testing.T) {
	c := model.Config{
		Vocab:   50,
		Context: 16,
		Layers:  1,
		Heads:   2,
		Dim:     8,
		Encoder: true,
	}
	const s, n = 5, 3
	encoder := s*(8*24+8*8+2*8*32) + 2*8*s*s
	decoder := n*(8*24+8*8+8*8+8*8+2*8*32) + s*8*16 + 2*8*n*n/2 + 2*8*n*s
	if got, want := c.Flops(s, n), float64(6*(encoder+decoder+n*8*50)); got != want {
		t.Errorf("%v, want %v", got, want)
	}
	c.CausalEncoder = true
	if got, want := c.Flops(s, n), float64(6*(encoder-8*s*s+decoder+n*8*50)); got != want {
		t.Errorf("causal: %v, want %v", got, want)
	}
}
