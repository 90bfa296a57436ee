package optim_test

import (
	"math"
	"testing"

	"dmtrain/internal/graph"
	"dmtrain/internal/kernels"
	"dmtrain/internal/optim"
	"dmtrain/internal/tensor"
)

// adam is Loshchilov and Hutter 2019, algorithm 2, for one parameter in float64.
type adam struct{ w, m, v float64 }

func (a *adam) step(grad, lr, decay float64, o optim.Options, t int) {
	b1, b2 := float64(o.Beta1), float64(o.Beta2)
	a.m = b1*a.m + (1-b1)*grad
	a.v = b2*a.v + (1-b2)*grad*grad
	mean, square := a.m/(1-math.Pow(b1, float64(t))), a.v/(1-math.Pow(b2, float64(t)))
	a.w -= lr * (mean/(math.Sqrt(square)+float64(o.Eps)) + decay*a.w)
}

func TestAdamWIsItsFormula(t *testing.T) { eachBackend(t, testAdamWIsItsFormula) }

func testAdamWIsItsFormula(t *testing.T, be kernels.Backend) {
	params, err := graph.NewParams(be, []graph.ParamSpec{
		{Name: "bias", Shape: tensor.Shape{3}},
		{Name: "matrix", Shape: tensor.Shape{2, 3}, Decay: true},
	}, tensor.Float32, true)
	if err != nil {
		t.Fatal(err)
	}
	o := optim.Options{Beta1: 0.9, Beta2: 0.95, Eps: 1e-8, WeightDecay: 0.3, Clip: 1}
	a, err := optim.NewAdamW(be, params, o)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Free()
	want := map[string][]adam{}
	for _, p := range params.All() {
		values := make([]float32, p.Shape.Elems())
		for i := range values {
			values[i] = float32(i) - 1.5
			want[p.Name] = append(want[p.Name], adam{w: float64(values[i])})
		}
		params.Set(p, values)
	}
	for step := 1; step <= 12; step++ {
		// Gradients small enough at first to pass whole, later too large.
		size, norm := 0.05*float64(step), 0.0
		grads := map[string][]float64{}
		for _, p := range params.All() {
			g := make([]float32, p.Shape.Elems())
			for i := range g {
				g[i] = float32(size * math.Cos(float64(step*7+i*3+p.Index)))
				grads[p.Name] = append(grads[p.Name], float64(g[i]))
				norm += float64(g[i]) * float64(g[i])
			}
			be.Upload(p.Grad(), g)
		}
		norm = math.Sqrt(norm)
		got, err := a.GradNorm()
		if err != nil || math.Abs(got-norm) > 1e-6*norm {
			t.Fatalf("step %d: norm %v (%v), want %v", step, got, err, norm)
		}
		lr := 0.1 / float64(step)
		a.Step(lr, got)
		for _, p := range params.All() {
			decay := 0.0
			if p.Decay {
				decay = float64(o.WeightDecay)
			}
			values := download(t, be, p.Value())
			for i := range values {
				w := &want[p.Name][i]
				w.step(grads[p.Name][i]*math.Min(1, o.Clip/norm), lr, decay, o, step)
				if math.Abs(float64(values[i])-w.w) > 2e-6 {
					t.Fatalf("step %d, %s[%d]: %v, want %v", step, p.Name, i, values[i], w.w)
				}
			}
		}
	}
	if a.Taken != 12 {
		t.Errorf("%d steps taken, want 12", a.Taken)
	}
}

// A gradient that is not finite has a norm that says so: the step must be skipped.
func TestGradNormOfWhatIsNotFinite(t *testing.T) { eachBackend(t, testGradNormOfWhatIsNotFinite) }

func testGradNormOfWhatIsNotFinite(t *testing.T, be kernels.Backend) {
	params, err := graph.NewParams(be, []graph.ParamSpec{{Name: "w", Shape: tensor.Shape{3}}}, tensor.Float32, true)
	if err != nil {
		t.Fatal(err)
	}
	a, err := optim.NewAdamW(be, params, optim.Options{Beta1: 0.9, Beta2: 0.95, Eps: 1e-8})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Free()
	for _, bad := range []float32{float32(math.NaN()), float32(math.Inf(-1))} {
		be.Upload(params.Get("w").Grad(), []float32{1, bad, 2})
		norm, err := a.GradNorm()
		if err != nil || !math.IsNaN(norm) && !math.IsInf(norm, 0) {
			t.Errorf("norm with %v: %v, %v", bad, norm, err)
		}
	}
}

func download(t *testing.T, be kernels.Backend, b kernels.Buffer) []float32 {
	t.Helper()
	x := make([]float32, b.Len())
	if err := be.Download(x, b); err != nil {
		t.Fatal(err)
	}
	return x
}
