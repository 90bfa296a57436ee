package task_test

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dmtrain/internal/compare"
	"dmtrain/internal/config"
	"dmtrain/internal/mask"
	"dmtrain/internal/maskcheck"
	"dmtrain/internal/metrics"
	"dmtrain/internal/saved"
	"dmtrain/internal/task"
	"dmtrain/internal/task/fixture"
	"dmtrain/internal/task/tasks"
	"dmtrain/internal/train"
)

func toyConfig(t *testing.T) (config.Config, task.Table) {
	t.Helper()
	c, all := fixture.Tiny(), append(tasks.All(), toy{})
	c.Task, c.Device, c.Data.SeqLen, c.Run.Dir = "toy", "cpu", rowLen, filepath.Join(t.TempDir(), "run")
	c.Train.Steps, c.Train.EvalEvery, c.Train.SaveEvery = 120, 60, 60
	if err := config.Check(c, nil, all.Problems(c), func(string) string { return "" }); err != nil {
		t.Fatal(err)
	}
	return c, all
}

func trainToy(t *testing.T, o train.Options) {
	t.Helper()
	o.Version = "test"
	o.Console = metrics.NewConsole(metrics.ConsoleOptions{Out: io.Discard, Quiet: true})
	if err := train.Run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
}

func modelOf(t *testing.T, dir string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "last", "model.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// A task that no package has heard of trains, resumes in the same bits, learns what it is to learn and is evaluated.
func TestThirdTaskTrains(t *testing.T) {
	c, all := toyConfig(t)
	trainToy(t, train.Options{Config: c, Tasks: all})
	whole := modelOf(t, c.Run.Dir)
	cut := c
	cut.Run.Dir = filepath.Join(t.TempDir(), "cut")
	trainToy(t, train.Options{Config: cut, Tasks: all, Until: 50})
	trainToy(t, train.Options{Config: cut, Tasks: all, Resume: true})
	if !bytes.Equal(whole, modelOf(t, cut.Run.Dir)) {
		t.Error("a resumed run ends in other bits")
	}
	var tokens strings.Builder
	o := saved.EvalOptions{Ref: saved.Ref{Run: c.Run.Dir, Device: "cpu"}, PerToken: &tokens}
	r, err := saved.Evaluate(t.Context(), o, all)
	if err != nil {
		t.Fatal(err)
	}
	if r.Tokens != toyHeld || r.Accuracy < 0.95 || strings.Count(tokens.String(), "\n") != toyHeld {
		t.Errorf("of %d classes %v are right; %d are listed", r.Tokens, r.Accuracy,
			strings.Count(tokens.String(), "\n"))
	}
}

// Its masks are checked as those of any other, and a look ahead is found.
func TestThirdTaskIsChecked(t *testing.T) {
	for structure, sound := range map[string]bool{mask.StructureCausal: true, mask.StructureLookahead: false} {
		c, all := toyConfig(t)
		c.Mask.Structure, c.Mask.Window = structure, 1
		r, err := maskcheck.Check(t.Context(), c, all, maskcheck.Options{Rows: 4})
		if err != nil {
			t.Fatal(err)
		}
		if r.Sound != sound || !sound && r.Plans[0].Probe.Sound {
			t.Errorf("structure %s: %+v", structure, r)
		}
	}
}

// Its arms are compared.
func TestThirdTaskCompares(t *testing.T) {
	c, all := toyConfig(t)
	arms, err := compare.ParseArms("static,input:0.15")
	if err != nil {
		t.Fatal(err)
	}
	r, err := compare.Run(t.Context(), compare.Options{
		Config:   c,
		Tasks:    all,
		Arms:     arms,
		Seeds:    2,
		Jobs:     1,
		Version:  "test",
		Progress: io.Discard,
	})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(r.Markdown(), "steps of 64 target tokens") || len(r.Arms) != 2 {
		t.Errorf("%s", r.Markdown())
	}
}
