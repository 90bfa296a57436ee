package graph_test

import (
	"math"
	"testing"

	"dmtrain/internal/graph"
	"dmtrain/internal/kernels"
	"dmtrain/internal/kernels/ref"
	"dmtrain/internal/rng"
	"dmtrain/internal/tensor"
)

const (
	batch, tokens, width, classes = 2, 3, 4, 5
)

// fixture is a small recording around one operation: embedded tokens go through it, and what comes out is read by a
// tied output layer into a loss.
type fixture struct {
	be      kernels.Backend
	params  *graph.Params
	g       *graph.Graph
	ids     *graph.Value
	targets *graph.Value
	scale   *graph.Value
	stats   graph.TokenStats
	load    func() // uploads inputs of the operation's own
}

func (f *fixture) param(name string) *graph.Value { return f.g.Param(f.params.Get(name)) }

func (f *fixture) input(values any, t tensor.DType, shape ...int) *graph.Value {
	v, before := f.g.Input(t, shape...), f.load
	f.load = func() {
		before()
		f.be.Upload(v.Buffer(), values)
	}
	return v
}

// causal is the mask under which each token sees itself and those before it.
func (f *fixture) causal() *graph.Mask {
	m, before := f.g.Mask(batch, tokens, tokens, false), f.load
	f.load = func() {
		before()
		at := []int32{0, 1, 2, 0, 1, 2}
		f.be.Upload(m.Pos.Buffer(), at)
		f.be.Upload(m.Lo.Buffer(), make([]int32, batch*tokens))
		f.be.Upload(m.Hi.Buffer(), at)
	}
	return m
}

// draw is the address of random draws.
func (f *fixture) draw() *graph.Value { return f.input([]int32{7, 0, 3, 0}, tensor.Int32, 4) }

// operations are all that pass a gradient. Each uses x, and whatever parameters it needs.
var operations = map[string]func(f *fixture, x *graph.Value) *graph.Value{
	"none":  func(f *fixture, x *graph.Value) *graph.Value { return x },
	"add":   func(f *fixture, x *graph.Value) *graph.Value { return f.g.Add(f.g.LinearT(x, f.param("square")), x) },
	"twice": func(f *fixture, x *graph.Value) *graph.Value { return f.g.Add(f.g.Add(x, x), x) },
	"scale": func(f *fixture, x *graph.Value) *graph.Value { return f.g.Scale(x, -1.5) },
	"linear": func(f *fixture, x *graph.Value) *graph.Value {
		return f.g.Linear(x, f.param("square"), f.param("bias"))
	},
	"linear without bias": func(f *fixture,
		x *graph.Value) *graph.Value {
		return f.g.Linear(x, f.param("square"), nil)
	},
	"linear and GELU": func(f *fixture, x *graph.Value) *graph.Value {
		return f.g.LinearGelu(x, f.param("square"), f.param("bias"))
	},
	"residual and linear": func(f *fixture, x *graph.Value) *graph.Value {
		return f.g.AddLinear(x, x, f.param("square"), f.param("bias"))
	},
	"linear transposed": func(f *fixture, x *graph.Value) *graph.Value { return f.g.LinearT(x, f.param("square")) },
	"layer norm": func(f *fixture, x *graph.Value) *graph.Value {
		return f.g.LayerNorm(x, f.param("weight"), f.param("bias"), 1e-5)
	},
	"residual and layer norm": func(f *fixture, x *graph.Value) *graph.Value {
		return f.g.Add(x, f.g.LayerNorm(x, f.param("weight"), f.param("bias"), 1e-5))
	},
	"embedding added": func(f *fixture, x *graph.Value) *graph.Value {
		at := f.input([]int32{2, 0, 2, 1, 1, 0}, tensor.Int32, batch, tokens)
		return f.g.AddEmbed(x, f.param("square"), at)
	},
	"embedding added beside another use": func(f *fixture, x *graph.Value) *graph.Value {
		at := f.input([]int32{2, 0, 2, 1, 1, 0}, tensor.Int32, batch, tokens)
		y := f.g.AddEmbed(x, f.param("square"), at)
		return f.g.Add(f.g.LinearT(x, f.param("square")), y)
	},
	"filled with 0": func(f *fixture, x *graph.Value) *graph.Value {
		return f.g.MaskedFill(x, f.input([]uint8{0, 1, 0, 1, 0, 0}, tensor.Uint8, batch, tokens), nil)
	},
	"filled with a vector": func(f *fixture, x *graph.Value) *graph.Value {
		return f.g.MaskedFill(x, f.input([]uint8{0, 1, 0, 1, 0, 0}, tensor.Uint8, batch, tokens), f.param("bias"))
	},
	"dropout": func(f *fixture, x *graph.Value) *graph.Value { return f.g.Dropout(x, f.draw(), 0.3, 1, 2) },
	"attention": func(f *fixture, x *graph.Value) *graph.Value {
		return attend(f, f.g.Linear(x, f.param("packed"), nil), graph.EdgeDrop{})
	},
	"attention with edges dropped": func(f *fixture, x *graph.Value) *graph.Value {
		return attend(f, f.g.Linear(x, f.param("packed"), nil), graph.EdgeDrop{Rate: 0.3, Layer: 1, Draw: f.draw()})
	},
}

// attend is attention with queries, keys and values side by side in one value.
func attend(f *fixture, qkv *graph.Value, drop graph.EdgeDrop) *graph.Value {
	at := func(i int) graph.Columns { return graph.Columns{Of: qkv, Offset: i * width} }
	return f.g.Attention(at(0), at(1), at(2), f.causal(), 2, width, drop)
}

func record(t *testing.T, op func(*fixture, *graph.Value) *graph.Value) (*fixture, *graph.Program) {
	t.Helper()
	be := ref.New()
	params, err := graph.NewParams(be, []graph.ParamSpec{
		{Name: "table", Shape: tensor.Shape{classes, width}, Decay: true},
		{Name: "square", Shape: tensor.Shape{width, width}, Decay: true},
		{Name: "packed", Shape: tensor.Shape{width, 3 * width}, Decay: true},
		{Name: "weight", Shape: tensor.Shape{width}},
		{Name: "bias", Shape: tensor.Shape{width}},
		{Name: "output", Shape: tensor.Shape{classes, width}, Decay: true},
	}, tensor.Float32, true)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range params.All() {
		params.Set(p, normals(p.Index, p.Shape.Elems(), 1))
	}
	f := &fixture{
		be:     be,
		params: params,
		g:      graph.New(be, true),
		load:   func() {},
	}
	f.ids = f.input([]int32{0, 3, 1, 4, 4, 2}, tensor.Int32, batch, tokens)
	f.targets = f.input([]int32{3, 1, -1, 4, 2, 0}, tensor.Int32, batch*tokens)
	f.scale = f.input([]float32{1.0 / 5}, tensor.Float32, 1)
	y := op(f, f.g.Embed(f.param("table"), f.ids))
	f.stats = f.g.CrossEntropy(f.g.LinearT(y, f.param("output")), f.targets, f.scale, classes, 0)
	program, err := f.g.Compile()
	if err != nil {
		t.Fatal(err)
	}
	f.load()
	return f, program
}

func normals(stream, n int, seed uint64) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(0.7 * rng.Normal(seed, rng.Probe, 0, uint32(stream), uint32(i)))
	}
	return x
}

func (f *fixture) read(t *testing.T, b kernels.Buffer) []float32 {
	t.Helper()
	x := make([]float32, b.Len())
	if err := f.be.Download(x, b); err != nil {
		t.Fatal(err)
	}
	return x
}

// loss is the mean over the five tokens that bear one.
func (f *fixture) loss(t *testing.T, p *graph.Program) float64 {
	p.Forward()
	sum := 0.0
	for _, nll := range f.read(t, f.stats.NLL.Buffer()) {
		sum += float64(nll)
	}
	return sum / 5
}

// Every operation's gradient, with regard to every element of every parameter, is the slope of the loss there.
func TestGradientsOfOperations(t *testing.T) {
	for name, op := range operations {
		t.Run(name, func(t *testing.T) {
			f, program := record(t, op)
			f.params.ZeroGrad()
			f.loss(t, program)
			program.Backward()
			for _, p := range f.params.All() {
				values, grad := f.read(t, p.Value()), f.read(t, p.Grad())
				for i := range values {
					const h = 1.0 / 128
					at := func(by float32) float64 {
						moved := append([]float32(nil), values...)
						moved[i] += by
						f.params.Set(p, moved)
						return f.loss(t, program)
					}
					want := (8*(at(h)-at(-h)) - (at(2*h) - at(-2*h))) / (12 * h)
					if diff := math.Abs(float64(grad[i]) - want); diff > 2e-5+2e-4*math.Abs(want) {
						t.Errorf("%s[%d]: gradient %.7g, slope %.7g", p.Name, i, grad[i], want)
					}
				}
				f.params.Set(p, values)
			}
		})
	}
}

// Gradients of parameters accumulate: a second pass backwards adds as much again.
func TestGradientsAccumulate(t *testing.T) {
	f, program := record(t, operations["residual and linear"])
	f.params.ZeroGrad()
	for range 2 {
		f.loss(t, program)
		program.Backward()
	}
	twice := f.read(t, f.params.Grads())
	f.params.ZeroGrad()
	f.loss(t, program)
	program.Backward()
	for i, once := range f.read(t, f.params.Grads()) {
		if math.Abs(float64(twice[i])-2*float64(once)) > 1e-6 {
			t.Fatalf("element %d: %v after two passes, %v after one", i, twice[i], once)
		}
	}
}
