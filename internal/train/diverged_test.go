package train

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dmtrain/internal/checkpoint"
	"dmtrain/internal/metrics"
	"dmtrain/internal/saved"
	"dmtrain/internal/task/fixture"
	"dmtrain/internal/task/tasks"
)

// A run whose parameters become NaN stops, and keeps its last good checkpoint.
func TestDivergedRunKeepsItsLastGoodCheckpoint(t *testing.T) {
	c := runConfig(t, fixture.Tiny())
	c.Train.SaveEvery = c.Train.EvalEvery
	var s *session
	s, err := open(context.Background(), faulty(quiet(c, Options{}), 2*c.Train.EvalEvery, func() error {
		p := s.step.model.Params.All()[1]
		w := make([]float32, p.Shape.Elems())
		w[0] = float32(math.Inf(1))
		s.be.Upload(p.Value(), w)
		return nil
	}))
	if err != nil {
		t.Fatal(err)
	}
	var bad *checkpoint.NotFiniteError
	err = errors.Join(s.trainUntilAsked(), s.close())
	if !errors.As(err, &bad) || bad.Values != 1 || bad.Tensor != s.step.model.Params.All()[1].Name {
		t.Fatalf("got %v", err)
	}
	run, err := checkpoint.ViewRun(c.Run.Dir)
	if err != nil {
		t.Fatal(err)
	}
	if last, err := run.Last(); err != nil || last != c.Train.EvalEvery {
		t.Errorf("the last checkpoint is of step %d, %v", last, err)
	}
	mustRun(t, quiet(c, Options{Resume: true}))
}

// uncertain is a copy of a run's last checkpoint without its checksums.
func uncertain(t *testing.T, run string) string {
	t.Helper()
	to, from := t.TempDir(), filepath.Join(run, "last")
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"checksums.json", "state.json"} {
		if err := os.Remove(filepath.Join(to, name)); err != nil {
			t.Fatal(err)
		}
	}
	return to
}

// poisoned is one whose last parameter is NaN.
func poisoned(t *testing.T, run string) string {
	t.Helper()
	to := uncertain(t, run)
	path := filepath.Join(to, "model.safetensors")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	binary.LittleEndian.PutUint32(data[len(data)-4:], math.Float32bits(float32(math.NaN())))
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return to
}

// Every reader refuses a model with a NaN, and names the tensor.
func TestModelThatIsNotFiniteIsRefused(t *testing.T) {
	c := runConfig(t, fixture.Tiny())
	c.Train.Steps = 2
	mustRun(t, quiet(c, Options{}))
	pairs := inRun(t, fixture.Pairs())
	pairs.Train.Steps = 2
	mustRun(t, quiet(pairs, Options{}))
	_, lm := saved.Load(saved.Ref{Checkpoint: poisoned(t, c.Run.Dir), Device: "cpu"}, tasks.All())
	_, translator := saved.Load(saved.Ref{Checkpoint: poisoned(t, pairs.Run.Dir), Device: "cpu"}, tasks.All())
	for _, err := range []error{lm, translator} {
		if err == nil || !strings.Contains(err.Error(), "model.safetensors: tensor \"") ||
			!strings.Contains(err.Error(), "1 values that are not finite, the first NaN") {
			t.Errorf("got %v", err)
		}
	}
}

// The file of --per-token is always valid JSON.
func TestTokensAreAlwaysJSON(t *testing.T) {
	for _, tc := range []struct {
		nll  float64
		want string
	}{
		{-0.1, `{"position":1,"token":0,"nll":-0.1,"confidence":0.1,"entropy":0}`},
		{math.NaN(), `{"position":1,"token":0,"nll":null,"confidence":0.1,"entropy":0}`},
		{math.Inf(1), `{"position":1,"token":0,"nll":null,"confidence":0.1,"entropy":0}`},
	} {
		text, err := json.Marshal(saved.Token{Position: 1, NLL: metrics.Number32(tc.nll), Confidence: 0.1})
		if err != nil || string(text) != tc.want {
			t.Errorf("%s, %v; want %s", text, err, tc.want)
		}
	}
}

// Unused tensors of any model cause a warning.
func TestUnusedTensorsAreTold(t *testing.T) {
	c := runConfig(t, fixture.Tiny())
	c.Train.Steps = 1
	mustRun(t, quiet(c, Options{}))
	pairs := inRun(t, fixture.Pairs())
	pairs.Train.Steps, pairs.Model.Layers = 1, 2
	mustRun(t, quiet(pairs, Options{}))
	shallow := func(run string) saved.Ref {
		dir := uncertain(t, run)
		path := filepath.Join(dir, "config.json")
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		less := strings.Replace(string(text), `"n_layer": 2`, `"n_layer": 1`, 1)
		if less == string(text) {
			t.Fatalf("no number of layers in %s", text)
		}
		if err := os.WriteFile(path, []byte(less), 0o644); err != nil {
			t.Fatal(err)
		}
		return saved.Ref{Checkpoint: dir, Device: "cpu"}
	}
	lm, err := saved.Load(shallow(c.Run.Dir), tasks.All())
	if err != nil {
		t.Fatal(err)
	}
	defer lm.Close()
	translator, err := saved.Load(shallow(pairs.Run.Dir), tasks.All())
	if err != nil {
		t.Fatal(err)
	}
	defer translator.Close()
	for _, warnings := range [][]string{lm.Warnings, translator.Warnings} {
		if len(warnings) != 1 ||
			!strings.Contains(warnings[0], " tensors of model.safetensors are no part of the model") ||
			!strings.HasSuffix(warnings[0], ", …") {
			t.Errorf("told %q", warnings)
		}
	}
	whole, err := saved.Load(saved.Ref{Checkpoint: uncertain(t, c.Run.Dir), Device: "cpu"}, tasks.All())
	if err != nil || whole.Warnings != nil {
		t.Fatal(err, whole.Warnings)
	}
	whole.Close()
}
