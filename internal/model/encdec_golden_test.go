package model_test

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"dmtrain/internal/graph"
	"dmtrain/internal/kernels"
	"dmtrain/internal/model"
)

// goldenPair is a golden case with a source.
type goldenPair struct {
	*goldenCase
	causal bool
	s      int // source tokens a row
}

func loadGoldenPair(t *testing.T, path string) *goldenPair {
	t.Helper()
	c := &goldenPair{goldenCase: loadGolden(t, path)}
	var meta struct {
		CausalEncoder bool `json:"causal_encoder"`
	}
	if err := json.Unmarshal([]byte(c.tensors.Metadata()["case"]), &meta); err != nil {
		t.Fatal(err)
	}
	c.causal = meta.CausalEncoder
	ids := c.ints("in.src")
	c.s = len(ids) / c.b
	addSource(c.batch, c.plan, c.s, c.ints("mask.src_len"), c.ints("mask.cross_hi"), c.causal)
	c.batch.Sources[0].IDs = ids
	return c
}

func (c *goldenPair) model(be kernels.Backend, train bool) *model.Model {
	c.t.Helper()
	m, err := model.New(be, model.Config{
		Vocab:         c.meta.Vocab,
		Context:       max(c.n, c.s),
		Layers:        c.meta.Layers,
		Heads:         c.meta.Heads,
		Dim:           c.meta.Dim,
		Encoder:       true,
		CausalEncoder: c.causal,
	}, train)
	if err != nil {
		c.t.Fatal(err)
	}
	for _, p := range m.Params.All() {
		be.Upload(p.Value(), c.floats("param."+p.Name))
	}
	return m
}

func (c *goldenPair) pass(m *model.Model, train bool) *model.Pass {
	c.t.Helper()
	p, err := m.NewPass(model.PassOptions{
		B:      c.b,
		S:      c.s,
		T:      c.n,
		Train:  train,
		Logits: !train,
		Hide:   true,
	})
	if err != nil {
		c.t.Fatal(err)
	}
	p.Load(c.batch, c.plan)
	p.At(1, 0, 0)
	p.Supervised(float64(c.plan.Supervised))
	return p
}

func TestGoldenEncoderDecoder(t *testing.T) {
	for _, path := range goldenPaths(t, "seq2seq_*.safetensors") {
		name := strings.TrimSuffix(filepath.Base(path), ".safetensors")
		for _, b := range backends(t) {
			t.Run(name+"/"+b.name, func(t *testing.T) {
				c := loadGoldenPair(t, path)
				c.checkOutputs(b.Backend)
				c.checkGradients(b.Backend)
				c.checkTraining(b.Backend)
			})
		}
	}
}

func (c *goldenPair) checkOutputs(be kernels.Backend) {
	c.t.Helper()
	m := c.model(be, false)
	defer m.Free()
	p := c.pass(m, false)
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

func (c *goldenPair) checkGradients(be kernels.Backend) {
	c.t.Helper()
	m := c.model(be, true)
	defer m.Free()
	p := c.pass(m, true)
	defer p.Free()
	m.Params.ZeroGrad()
	p.Forward()
	p.Backward()
	for _, param := range m.Params.All() {
		c.close("grad."+param.Name, read(c.t, be, param.Grad()), 1e-4)
	}
}

func (c *goldenPair) checkTraining(be kernels.Backend) {
	c.t.Helper()
	m := c.model(be, true)
	defer m.Free()
	p := c.pass(m, true)
	defer p.Free()
	c.checkSteps(be, m, p)
}

// The file has every parameter the model has, and no other.
func TestGoldenNamesAreTheModels(t *testing.T) {
	c := loadGoldenPair(t, goldenPaths(t, "seq2seq_*.safetensors")[0])
	m := c.model(backends(t)[0], false)
	defer m.Free()
	for _, info := range c.tensors.Infos() {
		if param, ok := strings.CutPrefix(info.Name, "param."); ok && m.Params.Lookup(param) == nil {
			t.Errorf("the model lacks %s", param)
		}
	}
}
