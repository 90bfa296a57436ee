package main

import (
	"errors"
	"os"
	"strings"
	"testing"

	"dmtrain/internal/config"
)

func resolve(t *testing.T, text string, set ...string) (config.Config, error) {
	t.Helper()
	file, err := config.Parse("dir/my.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	s := sources{set: set}
	return s.resolve(file, os.Environ())
}

const someText = "data: {train: a.txt}\n"

func TestFileAloneResolvesAsConfigReadsIt(t *testing.T) {
	text := someText + "run: {dir: runs/x}\ntrain: {lr: 1e-2, betas: [0.5, 0.6]}\nmask: {form: input, schedule: {to: 0.5}}\nmodel:\n"
	got, err := resolve(t, text)
	if err != nil {
		t.Fatal(err)
	}
	file, _ := config.Parse("my.yaml", []byte(text))
	want, err := file.Config()
	if err != nil {
		t.Fatal(err)
	}
	if g, w := string(got.YAML("")), string(want.YAML("")); g != w {
		t.Errorf("got\n%s\nwant\n%s", g, w)
	}
}

func TestLaterSourcesOverride(t *testing.T) {
	t.Setenv("DMTRAIN_TRAIN_STEPS", "100")
	t.Setenv("DMTRAIN_TRAIN_LR", "3e-3")
	t.Setenv("DMTRAIN_TRAIN_BETAS", "0.8, 0.9")
	t.Setenv("DMTRAIN_DATA_TOKENIZER_KIND", "char")
	t.Setenv("DMTRAIN_MODEL_DIM", "") // empty is unset
	c, err := resolve(t, someText+"train: {steps: 7, lr: 1e-2, batch_size: 9}", "train.steps=1e3", "data.valid=[b.txt, c d.txt]", "data.train=[x]*.txt")
	if err != nil {
		t.Fatal(err)
	}
	if c.Train.Steps != 1000 || c.Train.LR != 3e-3 || c.Train.Betas != [2]float64{0.8, 0.9} || c.Train.BatchSize != 9 || c.Model.Dim != 128 ||
		c.Data.Tokenizer.Kind != "char" || strings.Join(c.Data.Valid, "|") != "b.txt|c d.txt" || c.Data.Train[0] != "[x]*.txt" {
		t.Errorf("resolved %+v", c)
	}
}

func TestRunDirectoryIsNamedAfterTheFile(t *testing.T) {
	c, err := resolve(t, someText)
	if err != nil || c.Run.Dir != "runs/my" {
		t.Errorf("run.dir %q, %v", c.Run.Dir, err)
	}
}

func TestProblemsNameTheirSource(t *testing.T) {
	t.Setenv("DMTRAIN_TRAIN_STEPS", "many")
	t.Setenv("DMTRAIN_TRAIN_LR", "-1")
	_, err := resolve(t, someText+"train: {grad_clip: -1}\nmodl: {}\n", "model.layers=0", "train.kep=3", "train=3")
	want := `the configuration has 7 problems:
  dir/my.yaml:3: modl: unknown key; did you mean model?
  --set: train.kep: unknown key; did you mean train.keep?
  --set: train: is a section: set one of its keys (`
	if err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Fatalf("got\n%v\nwant\n%s", err, want)
	}
	for _, line := range []string{
		`DMTRAIN_TRAIN_STEPS: train.steps: "many" is not a whole number`,
		"DMTRAIN_TRAIN_LR: train.lr: -1 is not a learning rate (above 0)",
		"dir/my.yaml:2: train.grad_clip: -1 is not a norm (above 0; 0 = never clip)",
		"--set: model.layers: 0 is not within 1 … 4095",
	} {
		if !strings.Contains(err.Error(), line) {
			t.Errorf("%s\nlacks %s", err, line)
		}
	}
}

func TestEnvironmentVariablesThatAreNoSettings(t *testing.T) {
	origins, problems := environment([]string{
		"DMTRAIN_CPU=generic", "DMTRAIN_GOLDEN=/x", "DMTRAIN_LONG=1", "DMTRAIN_TRACE=1", "DMTRAIN_BINARY=/x", "PATH=/bin", "DMTRAIN_SEED=", "DMTRAIN_RUN_SEED=3",
		"DMTRAIN_TRAIN_STEP=5", "DMTRAIN_DEVCE=cpu", "DMTRAIN_TRAIN=1", "DMTRAIN_TRAIN_WHATEVER=1",
	})
	if len(origins) != 1 || origins["run.seed"] != "DMTRAIN_RUN_SEED" {
		t.Errorf("origins %v", origins)
	}
	var got []string
	for _, p := range problems {
		got = append(got, p.Origin)
	}
	if strings.Join(got, " ") != "DMTRAIN_TRAIN_STEP DMTRAIN_DEVCE DMTRAIN_TRAIN DMTRAIN_TRAIN_WHATEVER" {
		t.Errorf("refused %v", problems)
	}
	if !strings.Contains(problems[0].Text, "did you mean DMTRAIN_TRAIN_STEPS?") || !strings.Contains(problems[1].Text, "did you mean DMTRAIN_DEVICE?") {
		t.Errorf("refused %v", problems)
	}
}

func TestVariableNamedLikeASectionIsOneProblem(t *testing.T) {
	t.Setenv("DMTRAIN_MASK", "infill")
	_, err := resolve(t, someText)
	if err == nil || err.Error() != "DMTRAIN_MASK: is a section; its settings have variables of their own, as DMTRAIN_MASK_ANCHORS" {
		t.Errorf("got %v", err)
	}
}

func TestStarterIsTheDefaultsSpelledOut(t *testing.T) {
	file, err := config.Parse("starter", starterLM)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range config.Keys() {
		if file.Origin(key) == "" {
			t.Errorf("the starter lacks %s", key)
		}
	}
	got, err := file.Config()
	if err != nil {
		t.Fatal(err)
	}
	want := config.Default()
	want.Data.Train, want.Run.Dir = []string{"builtin:stories"}, "runs/my-model"
	if g, w := string(got.YAML("")), string(want.YAML("")); g != w {
		t.Errorf("got\n%s\nwant\n%s", g, w)
	}
}

// FuzzResolve: whatever --set says is refused with problems or resolves.
func FuzzResolve(f *testing.F) {
	for _, set := range []string{"train.steps=5", "train.betas=[1,2", "data.train=a,b", "run.seed=1e99", "=", "mask=3", "run.dir=\xff", "train.betas={}", "train.lr=.nan", "data.train=[[a]]", "mask.schedule.from=&a [*a]"} {
		f.Add(set)
	}
	f.Fuzz(func(t *testing.T, set string) {
		_, err := resolve(t, someText, set)
		var invalid *config.Invalid
		if err != nil && (!errors.As(err, &invalid) || exitCode(err) != exitUsage) {
			t.Fatalf("refused with %v", err)
		}
	})
}
