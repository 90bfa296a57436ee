package model_test

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dmtrain/internal/batch"
	"dmtrain/internal/checkpoint"
	"dmtrain/internal/gpu"
	"dmtrain/internal/graph"
	"dmtrain/internal/kernels"
	"dmtrain/internal/mask"
	"dmtrain/internal/model"
	"dmtrain/internal/optim"
)

// goldenCase is one case computed by PyTorch in float64: parameters, a batch under a mask, and what must come out.
type goldenCase struct {
	t       *testing.T
	tensors *checkpoint.Tensors
	meta    goldenMeta
	b, n    int // rows, tokens a row
	batch   *batch.Batch
	plan    *mask.Plan
}

type goldenMeta struct {
	Layers, Heads, Dim, Vocab, Positions int
	Optimizer                            struct {
		LR          float64
		Betas       [2]float64
		Eps, Clip   float64
		WeightDecay float64 `json:"weight_decay"`
	}
}

// goldenDir is where the cases lie: testdata, or the directory DMTRAIN_GOLDEN names.
func goldenDir() string {
	if dir := os.Getenv("DMTRAIN_GOLDEN"); dir != "" {
		return dir
	}
	return filepath.Join("testdata", "golden")
}

func goldenPaths(t *testing.T, pattern string) []string {
	paths, err := filepath.Glob(filepath.Join(goldenDir(), pattern))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no %s in %s (%v)", pattern, goldenDir(), err)
	}
	return paths
}

func loadGolden(t *testing.T, path string) *goldenCase {
	t.Helper()
	tensors, err := checkpoint.OpenTensors(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tensors.Close() })
	c := &goldenCase{t: t, tensors: tensors}
	if err := json.Unmarshal([]byte(tensors.Metadata()["case"]), &c.meta); err != nil {
		t.Fatal(err)
	}
	info, ok := tensors.Info("in.ids")
	if !ok {
		t.Fatalf("%s: no in.ids", path)
	}
	c.b, c.n = int(info.Shape[0]), int(info.Shape[1])
	c.batch = batch.New(c.b, c.n)
	c.batch.IDs = c.ints("in.ids")
	c.plan = &mask.Plan{
		B:       c.b,
		T:       c.n,
		Targets: c.ints("in.targets"),
		Rate:    c.rates(),
		Mask: mask.Mask{
			Rows: c.b,
			T:    c.n,
			S:    c.n,
			Pos:  c.ints("mask.pos"),
			Lo:   c.ints("mask.lo"),
			Hi:   c.ints("mask.hi"),
		},
	}
	if _, ok := tensors.Info("mask.tag"); ok {
		m := &c.plan.Mask
		m.Tag, m.A, m.B = c.ints("mask.tag"), c.ints("mask.a"), c.ints("mask.b")
	}
	for _, y := range c.plan.Targets {
		if y >= 0 {
			c.plan.Supervised++
		}
	}
	return c
}

func (c *goldenCase) ints(name string) []int32 {
	c.t.Helper()
	x, err := c.tensors.Int32s(name)
	if err != nil {
		c.t.Fatal(err)
	}
	return x
}

func (c *goldenCase) floats(name string) []float32 {
	c.t.Helper()
	x, err := c.tensors.Float32s(name)
	if err != nil {
		c.t.Fatal(err)
	}
	return x
}

// rates hides what the case hides: rate 1 always hits and rate 0 never does.
func (c *goldenCase) rates() []float32 {
	hidden, err := c.tensors.Uint8s("mask.input")
	if err != nil {
		c.t.Fatal(err)
	}
	rate := make([]float32, len(hidden))
	for i, h := range hidden {
		rate[i] = float32(h)
	}
	return rate
}

func (c *goldenCase) decoder(be kernels.Backend, train bool) *model.Model {
	c.t.Helper()
	m, err := model.New(be, model.Config{
		Vocab:   c.meta.Vocab,
		Context: c.meta.Positions,
		Layers:  c.meta.Layers,
		Heads:   c.meta.Heads,
		Dim:     c.meta.Dim,
	}, train)
	if err != nil {
		c.t.Fatal(err)
	}
	for _, p := range m.Params.All() {
		be.Upload(p.Value(), c.floats("param."+p.Name))
	}
	return m
}

func (c *goldenCase) pass(m *model.Model, train bool) *model.Pass {
	c.t.Helper()
	p, err := m.NewPass(model.PassOptions{
		B:      c.b,
		T:      c.n,
		Train:  train,
		Logits: !train,
		Hide:   true,
		Second: c.plan.Mask.Tag != nil,
	})
	if err != nil {
		c.t.Fatal(err)
	}
	p.Load(c.batch, c.plan)
	p.At(1, 0, 0)
	p.Supervised(float64(c.plan.Supervised))
	return p
}

// within requires |got − want| ≤ tol in every element.
func (c *goldenCase) within(name string, got []float32, tol float64) {
	c.t.Helper()
	c.compare(name, got, c.floats(name), tol)
}

func (c *goldenCase) compare(name string, got, want []float32, tol float64) {
	c.t.Helper()
	if len(got) != len(want) {
		c.t.Fatalf("%s: %d elements, want %d", name, len(got), len(want))
	}
	for i := range want {
		if d := math.Abs(float64(got[i]) - float64(want[i])); !(d <= tol) {
			c.t.Errorf("%s[%d] = %v, want %v (off by %.2g)", name, i, got[i], want[i], d)
			return
		}
	}
}

// close requires ‖got − want‖ ≤ tol·‖want‖.
func (c *goldenCase) close(name string, got []float32, tol float64) {
	c.t.Helper()
	want := c.floats(name)
	var diff, norm float64
	for i := range want {
		d := float64(got[i]) - float64(want[i])
		diff += d * d
		norm += float64(want[i]) * float64(want[i])
	}
	if !(math.Sqrt(diff) <= tol*math.Sqrt(norm)) {
		c.t.Errorf("%s: relative distance %.2g, want at most %.0g", name, math.Sqrt(diff/norm), tol)
	}
}

func read(t *testing.T, be kernels.Backend, b kernels.Buffer) []float32 {
	t.Helper()
	x := make([]float32, b.Len())
	if err := be.Download(x, b); err != nil {
		t.Fatal(err)
	}
	return x
}

func meanLoss(nll []float32, n int) float64 {
	sum := 0.0
	for _, l := range nll {
		sum += float64(l)
	}
	return sum / float64(n)
}

func TestGoldenDecoder(t *testing.T) {
	for _, path := range goldenPaths(t, "decoder_*.safetensors") {
		name := strings.TrimSuffix(filepath.Base(path), ".safetensors")
		for _, b := range backends(t) {
			t.Run(name+"/"+b.name, func(t *testing.T) {
				c := loadGolden(t, path)
				c.checkOutputs(b.Backend)
				c.checkGradients(b.Backend)
				c.checkTraining(b.Backend)
			})
		}
	}
}

func (c *goldenCase) checkOutputs(be kernels.Backend) {
	c.t.Helper()
	p := c.pass(c.decoder(be, false), false)
	defer p.Free()
	p.Forward()
	for name, v := range map[string]*graph.Value{
		"out.logits":  p.Logits,
		"out.nll":     p.Stats.NLL,
		"out.conf":    p.Stats.Conf,
		"out.entropy": p.Stats.Entropy,
	} {
		c.within(name, read(c.t, be, v.Buffer()), 1e-4)
	}
}

func (c *goldenCase) checkGradients(be kernels.Backend) {
	c.t.Helper()
	m := c.decoder(be, true)
	p := c.pass(m, true)
	defer p.Free()
	m.Params.ZeroGrad()
	p.Forward()
	p.Backward()
	for _, param := range m.Params.All() {
		c.close("grad."+param.Name, read(c.t, be, param.Grad()), 1e-4)
	}
}

func (c *goldenCase) checkTraining(be kernels.Backend) {
	c.t.Helper()
	m := c.decoder(be, true)
	p := c.pass(m, true)
	defer p.Free()
	c.checkSteps(be, m, p)
}

// checkSteps takes the case's ten AdamW steps; three on an emulated device, which takes a second for each.
func (c *goldenCase) checkSteps(be kernels.Backend, m *model.Model, p *model.Pass) {
	c.t.Helper()
	o := c.meta.Optimizer
	opt, err := optim.NewAdamW(be, m.Params, optim.Options{
		Beta1:       float32(o.Betas[0]),
		Beta2:       float32(o.Betas[1]),
		Eps:         float32(o.Eps),
		WeightDecay: float32(o.WeightDecay),
		Clip:        o.Clip,
	})
	if err != nil {
		c.t.Fatal(err)
	}
	defer opt.Free()
	steps := len(c.floats("train.losses"))
	if gpu.DriverName == gpu.Emulation && be.Info().Name != "cpu" && be.Info().Name != "ref" {
		steps = 3
	}
	var losses, norms []float32
	for range steps {
		m.Params.ZeroGrad()
		p.Forward()
		p.Backward()
		norm, err := opt.GradNorm()
		if err != nil {
			c.t.Fatal(err)
		}
		losses = append(losses, float32(meanLoss(read(c.t, be, p.Stats.NLL.Buffer()), c.plan.Supervised)))
		norms = append(norms, float32(norm))
		opt.Step(o.LR, norm)
	}
	c.compare("train.losses", losses, c.floats("train.losses")[:steps], 1e-3)
	c.compare("train.norms", norms, c.floats("train.norms")[:steps], 1e-3)
}
