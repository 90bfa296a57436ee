package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"dmtrain/internal/config"
)

func resolve(t *testing.T, text string, set ...string) (config.Config, error) {
	t.Helper()
	file, err := config.Parse("dir/my.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	s := layers{set: set}
	return s.resolve(file, os.Environ())
}

const someText = "data: {train: a.txt}\n"

func TestFileAloneResolvesAsConfigReadsIt(t *testing.T) {
	text := someText + "run: {dir: runs/x}\ntrain: {lr: 1e-2, betas: [0.5, 0.6]}\nmask: {form: input, schedule: " +
		"{to: 0.5}}\nmodel:\n"
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
	c, err := resolve(t, someText+"train: {steps: 7, lr: 1e-2, batch_size: 9}", "train.steps=1e3",
		"data.valid=[b.txt, c d.txt]", "data.train=[x]*.txt")
	if err != nil {
		t.Fatal(err)
	}
	if c.Train.Steps != 1000 || c.Train.LR != 3e-3 || c.Train.Betas != [2]float64{0.8, 0.9} || c.Train.BatchSize != 9 ||
		c.Model.Dim != 128 ||
		c.Data.Tokenizer.Kind != "char" || strings.Join(c.Data.Valid, "|") != "b.txt|c d.txt" ||
		c.Data.Train[0] != "[x]*.txt" {
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

// Numbers must be decimal, whether in the file, the environment or --set.
func TestNumbersAreDecimal(t *testing.T) {
	const whole, number, boolean, plain = "is not a whole number", "is not a number", "is not true or false",
		" in plain decimals (no leading zeros, 0x, 0o or _)"
	for _, c := range []struct {
		key, spelling string
		want          any
		problem       string
	}{
		{"run.seed", "8", uint64(8), ""}, {"run.seed", "0", uint64(0), ""}, {"run.seed", "+5", uint64(5), ""},
		{"run.seed", "18446744073709551615", uint64(1<<64 - 1), ""},
		{"run.seed", "008", nil, `"008" ` + whole + plain}, {"run.seed", "010", nil, `"010" ` + whole + plain},
		{"run.seed", "0x10", nil, `"0x10" ` + whole + plain},
		{"run.seed", "0o17", nil, `"0o17" ` + whole + plain}, {"run.seed", "0b101", nil, `"0b101" ` + whole + plain},
		{"run.seed", "-1", nil, "-1 " + whole + " from 0 up"},
		{"run.seed", "18446744073709551616", nil, whole}, {"run.seed", "-0x10", nil, `"-0x10" ` + whole + plain},
		{"train.steps", "100", 100, ""}, {"train.steps", "1e3", 1000, ""}, {"train.steps", "1.5e3", 1500, ""},
		{"train.steps", "200.0", 200, ""}, {"train.steps", "5.", 5, ""},
		{"train.steps", "0100", nil, `"0100" ` + whole + plain},
		{"train.steps", "1_000", nil, `"1_000" ` + whole + plain}, {"train.steps", "00", nil, `"00" ` + whole + plain},
		{"train.steps", "1,000", nil, `"1,000" ` + whole + plain}, {"train.steps", "1e", nil, `"1e" ` + whole + plain},
		{"train.steps", "3.7", nil, "3.7 " + whole}, {"train.steps", ".5", nil, "0.5 " + whole},
		{"train.steps", "1e400", nil, whole}, {"train.steps", "9 ", 9, ""}, {"train.steps", "٣", nil, whole},
		{"train.steps", "1:30", nil, `"1:30" ` + whole + plain}, {"train.steps", "yes", nil, whole},
		{"train.lr", "0.01", 0.01, ""}, {"train.lr", "1e-3", 0.001, ""}, {"train.lr", "1E-3", 0.001, ""},
		{"train.lr", ".5", 0.5, ""}, {"train.lr", "5.", 5.0, ""}, {"train.lr", "+.5", 0.5, ""},
		{"train.lr", "1", 1.0, ""},
		{"train.lr", "01.5", nil, `"01.5" ` + number + plain},
		{"train.lr", "0x1p-2", nil, `"0x1p-2" ` + number + plain},
		{"train.lr", "0x10", nil, `"0x10" ` + number + plain}, {"train.lr", "1_0.5", nil, `"1_0.5" ` + number + plain},
		{"train.lr", "010", nil, `"010" ` + number + plain}, {"train.lr", ".inf", nil, `".inf" ` + number},
		{"train.lr", ".nan", nil, `".nan" ` + number}, {"train.lr", "inf", nil, `"inf" ` + number},
		{"train.lr", "0,5", nil, `"0,5" ` + number + plain},
		{"mask.certify", "true", true, ""}, {"mask.certify", "false", false, ""}, {"mask.certify", "True", true, ""},
		{"mask.certify", "yes", nil, `"yes" ` + boolean}, {"mask.certify", "no", nil, `"no" ` + boolean},
		{"mask.certify", "on", nil, `"on" ` + boolean}, {"mask.certify", "off", nil, `"off" ` + boolean},
		{"mask.certify", "y", nil, `"y" ` + boolean}, {"mask.certify", "1", nil, "1 " + boolean},
		{"mask.certify", "0x1", nil, boolean},
		{"train.betas", "[0.5, .6]", [2]float64{0.5, 0.6}, ""},
		{"train.betas", "[0x0, 0.5]", nil, `"0x0" ` + number + plain},
		{"train.betas", "[00.5, 0.5]", nil, `"00.5" ` + number + plain},
		{"run.dir", "2024_10", "2024_10", ""}, {"run.dir", "007", "007", ""},
		{"run.dir", "2026-11-28", "2026-11-28", ""},
	} {
		section, name, _ := strings.Cut(c.key, ".")
		for way, run := range map[string]func() (config.Config, error){
			"file": func() (config.Config, error) {
				return resolve(t, someText+section+":\n  "+name+": "+c.spelling+"\n")
			},
			"environment": func() (config.Config, error) {
				t.Setenv(envName(c.key), c.spelling)
				return resolve(t, someText)
			},
			"--set": func() (config.Config, error) { return resolve(t, someText, c.key+"="+c.spelling) },
		} {
			t.Run(c.key+"="+c.spelling+" by "+way, func(t *testing.T) {
				got, err := run()
				os.Unsetenv(envName(c.key))
				switch {
				case c.problem == "" && err != nil:
					t.Error(err)
				case c.problem == "" && fmt.Sprint(got.Settings()[c.key]) != fmt.Sprint(c.want):
					t.Errorf("%v, want %v", got.Settings()[c.key], c.want)
				case c.problem != "" && (err == nil || !strings.Contains(err.Error(), c.key+": ") ||
					!strings.HasSuffix(err.Error(), c.problem)):
					t.Errorf("error %v, want …%s", err, c.problem)
				}
			})
		}
	}
}

// File names are relative to the working directory; one found beside or above the configuration is reported.
func TestNamesBesideTheConfigurationAreTold(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"project/t.txt":          "t",
		"project/books/a.txt":    "a",
		"project/runs/x/my.yaml": "data: {train: [t.txt, \"books/*.txt\"], valid: here.txt}\n",
		"here.txt":               "h",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	file := filepath.Join("project", "runs", "x", "my.yaml")
	_, err := (&layers{file: file}).load()
	project := filepath.Join(dir, "project")
	want := "the configuration has 2 problems:"
	for _, name := range []string{"t.txt", "books/*.txt"} {
		want += fmt.Sprintf("\n  %s:1: data.train: %s is not here but in %s: names count from where the program is "+
			"run, not from the configuration; run it there, or name %s", file, name, project,
			filepath.Join(project, name))
	}
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
	t.Chdir(project)
	if _, err := (&layers{file: filepath.Join("runs", "x", "my.yaml")}).load(); err != nil &&
		strings.Contains(err.Error(), "data.train") {
		t.Error(err)
	}
}

// Flags read numbers as settings do.
func TestFlagsAreDecimal(t *testing.T) {
	for _, args := range [][]string{
		{"sample", "--run", "x", "--max-tokens", "010"}, {"sample", "--run", "x", "--seed", "0x10"},
		{"sample", "--run", "x", "--num", "1_0"}, {"sample", "--run", "x", "--temperature", "0x1p-2"},
		{"sample", "--run", "x", "--temperature", "nan"}, {"sample", "--run", "x", "--top-p", "inf"},
		{"translate", "--run", "x", "--beams", "04"}, {"eval", "--run", "x", "--blanks", "0.1,00.5"},
		{"tokenizer", "train", "--size", "0400", "x"}, {"train", "--config", "x", "--until", "0b11"},
		{"mask", "check", "--config", "x", "--rows", "0x2"},
	} {
		var out, errs bytes.Buffer
		if code := execute(t.Context(), args, &out, &errs); code != exitUsage ||
			!strings.Contains(errs.String(), "in plain decimals (no leading zeros, 0x, 0o or _)") {
			t.Errorf("%q: exit code %d, %s", args, code, &errs)
		}
	}
	for text, want := range map[string]string{
		"1e3":  "1000",
		"+5":   "5",
		"5.0":  "5",
		"7":    "7",
		"3.5":  "",
		"-1":   "",
		"1e99": "",
	} {
		var n uint64
		flags := pflag.NewFlagSet("", pflag.ContinueOnError)
		flags.Uint64Var(&n, "n", 0, "")
		f := flags.Lookup("n")
		if err := (decimalValue{f.Value}).Set(text); err == nil && fmt.Sprint(n) != want ||
			(err != nil) != (want == "") {
			t.Errorf("%s: %d, %v, want %q", text, n, err, want)
		}
	}
}

func TestEnvironmentVariablesThatAreNoSettings(t *testing.T) {
	origins, problems := environment([]string{
		"DMTRAIN_CPU=generic", "DMTRAIN_GOLDEN=/x", "DMTRAIN_LONG=1", "DMTRAIN_TRACE=1", "DMTRAIN_BINARY=/x",
		"PATH=/bin", "DMTRAIN_SEED=", "DMTRAIN_RUN_SEED=3",
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
	if !strings.Contains(problems[0].Text, "did you mean DMTRAIN_TRAIN_STEPS?") ||
		!strings.Contains(problems[1].Text, "did you mean DMTRAIN_DEVICE?") {
		t.Errorf("refused %v", problems)
	}
}

func TestVariableNamedLikeASectionIsOneProblem(t *testing.T) {
	t.Setenv("DMTRAIN_MASK", "infill")
	_, err := resolve(t, someText)
	if err == nil || err.Error() != "DMTRAIN_MASK: is a section; its settings have variables of their own, as "+
		"DMTRAIN_MASK_ANCHORS" {
		t.Errorf("got %v", err)
	}
}

// FuzzResolve: whatever --set says is refused with problems or resolves.
func FuzzResolve(f *testing.F) {
	for _, set := range []string{"train.steps=5", "train.betas=[1,2", "data.train=a,b", "run.seed=1e99", "=", "mask=3",
		"run.dir=\xff", "train.betas={}", "train.lr=.nan", "data.train=[[a]]", "mask.schedule.from=&a [*a]"} {
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
