package config_test

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"dmtrain/internal/config"
)

func parse(t *testing.T, text string) (config.Config, error) {
	t.Helper()
	f, err := config.Parse("x.yaml", []byte(text))
	if err != nil {
		return config.Config{}, err
	}
	return f.Config()
}

func TestDefaultIsValid(t *testing.T) {
	if problems := config.Default().Problems(); len(problems) > 0 {
		t.Errorf("the defaults have problems: %v", problems)
	}
	c, err := parse(t, "data: {train: some.txt}")
	if err != nil {
		t.Fatal(err)
	}
	want := config.Default()
	want.Data.Train = []string{"some.txt"}
	if d := cmp.Diff(want, c); d != "" {
		t.Error(d)
	}
}

func TestEveryFieldHasItsOwnKey(t *testing.T) {
	seen, env := map[string]bool{}, map[string]bool{}
	for _, key := range append(config.Keys(), config.Sections()...) {
		if seen[key] || key == "" || strings.HasSuffix(key, ".") || key != strings.ToLower(key) {
			t.Errorf("bad or repeated key %q", key)
		}
		seen[key] = true
		name := strings.ReplaceAll(key, ".", "_")
		if env[name] {
			t.Errorf("two keys would share the environment variable of %s", key)
		}
		env[name] = true
	}
	if got := len(config.Default().Settings()); got != len(config.Keys()) {
		t.Errorf("%d settings for %d keys", got, len(config.Keys()))
	}
}

func TestReadsEveryKindOfValue(t *testing.T) {
	c, err := parse(t, `
data: {train: [a.txt, "b/*.txt"], seq_len: 64}
run: {seed: 18446744073709551615, dir: runs/x}
train: {lr: 1e-2, steps: 1e3, betas: [0, 0.99], grad_clip: 2, min_lr: 0.5e-3}
mask: {certify: false}
log:
`)
	if err != nil {
		t.Fatal(err)
	}
	if c.Run.Seed != 1<<64-1 || c.Train.LR != 1e-2 || c.Train.Steps != 1000 || c.Train.Betas != [2]float64{0, 0.99} ||
		c.Train.GradClip != 2 || c.Train.MinLR != 0.5e-3 || c.Mask.Certify ||
		c.Log.Every != config.Default().Log.Every {
		t.Errorf("read %+v", c)
	}
}

func TestComplaints(t *testing.T) {
	const data = "data: {train: a.txt}\n"
	for name, tc := range map[string]struct{ text, want string }{
		"unknown key": {data + "train:\n  stpes: 5",
			"x.yaml:3: train.stpes: unknown key; did you mean train.steps?"},
		"wrong section":    {data + "lr: 5", "x.yaml:2: lr: unknown key; did you mean train.lr?"},
		"unknown section":  {data + "trian: {lr: 5}", "x.yaml:2: trian: unknown key; did you mean train?"},
		"nothing near":     {data + "log: {zzzzzzzzzzz: 5}", "x.yaml:2: log.zzzzzzzzzzz: unknown key; log has every"},
		"case":             {data + "Train: {steps: 5}", "x.yaml:2: Train: unknown key; did you mean train?"},
		"text for int":     {data + "train: {steps: many}", `x.yaml:2: train.steps: "many" is not a whole number`},
		"fraction for int": {data + "train: {steps: 3.7}", "x.yaml:2: train.steps: 3.7 is not a whole number"},
		"bool for int":     {data + "train: {steps: true}", "x.yaml:2: train.steps: true is not a whole number"},
		"huge int":         {data + "train: {steps: 1e300}", "x.yaml:2: train.steps: 1e+300 is not a whole number"},
		"negative seed":    {data + "run: {seed: -1}", "x.yaml:2: run.seed: -1 is not a whole number from 0 up"},
		"text for float":   {data + "train: {lr: fast}", `x.yaml:2: train.lr: "fast" is not a number`},
		"number for text":  {data + "run: {dir: 7}", "x.yaml:2: run.dir: 7 is not text (in quotes it would be)"},
		"number for bool":  {data + "mask: {certify: 1}", "x.yaml:2: mask.certify: 1 is not true or false"},
		"short pair": {data + "train: {betas: [0.9]}",
			"x.yaml:2: train.betas: [0.9] is not a list of 2 values"},
		"mixed pair":        {data + "train: {betas: [0.9, x]}", `x.yaml:2: train.betas: "x" is not a number`},
		"section for value": {data + "train: {lr: {peak: 1}}", "x.yaml:2: train.lr: a section is not a number"},
		"value for section": {data + "train: 5",
			`x.yaml:2: train: is a section: write its keys below it, as "train: {steps: …}"`},
		"no value": {data + "train:\n  lr:\n", "x.yaml:3: train.lr: has no value"},
		"twice": {data + "train: {lr: 1,\n lr: 2}",
			`x.yaml:3: mapping key "lr" already defined at line 2`},
		"syntax":        {"# text\ndata: [a\ntrain: 5", "x.yaml:2: did not find expected ',' or ']'"},
		"stray bracket": {data + "\n\ntrain: }", "x.yaml:4: did not find expected node content"},
		"stray indent":  {data + "train:\n  lr: 1\n keep: 1", "x.yaml:4: did not find expected key"},
		"open quote":    {data + "run: {dir: \"x}\n", "x.yaml:2: found unexpected end of stream"},
		"tab":           {"data:\n\ttrain: x", "x.yaml:2: is indented by a tab; YAML wants spaces"},
		"not a mapping": {"- a\n- b",
			"x.yaml: is not a configuration: its top level must be keys and sections, as \"train: {steps: 100}\""},
		"two documents": {data + "---\n" + data,
			"x.yaml: holds more than one YAML document; a configuration is one"},
		"not UTF-8": {"data: {train: \xff}", "x.yaml:1: is not UTF-8"},
		"no lr": {data + "train: {lr: 0, min_lr: 0}",
			"x.yaml:2: train.lr: 0 is not a learning rate (above 0)"},
		"nan lr":       {data + "train: {lr: .nan}", `x.yaml:2: train.lr: ".nan" is not a number`},
		"infinite lr":  {data + "train: {lr: .inf}", `x.yaml:2: train.lr: ".inf" is not a number`},
		"min above lr": {data + "train: {lr: 1e-5}", "train.min_lr: 0.0001 is above train.lr, 1e-05"},
		"heads":        {data + "model: {heads: 3}", "x.yaml:2: model.heads: 3 do not divide model.dim, 128"},
		"no heads":     {data + "model: {heads: 0}", "x.yaml:2: model.heads: 0 is not within 1 … 4095"},
		"schedule": {data + "train: {schedule: cosin}",
			`x.yaml:2: train.schedule: "cosin" is none of cosine, linear, constant, inverse_sqrt, wsd`},
		"device": {data + "device: gpu",
			`x.yaml:2: device: "gpu" is not a device (auto, cpu, cuda, cuda:N)`},
		"device spelled otherwise": {data + "device: cuda:01",
			`x.yaml:2: device: "cuda:01" is not a device (auto, cpu, cuda, cuda:N)`},
		"bf16 on the CPU": {data + "device: cpu\nprecision: bf16",
			"x.yaml:3: precision: bf16 needs a CUDA device; on the CPU it is fp32"},
		"too many tokens": {data + "train: {batch_size: 1000000000}",
			"x.yaml:2: train.batch_size: 1000000000 rows of data.seq_len 128 are 128000000000 tokens a step, more " +
				"than the 2147483647 a step can count"},
		"patience": {data + "train: {patience: 3, eval_every: 0}",
			"x.yaml:2: train.patience: counts evaluations, but train.eval_every is 0"},
		"ema": {data + "train: {ema: 1}",
			"x.yaml:2: train.ema: 1 is not a decay (0 up to, not including, 1; 0 = no average)"},
		"metric": {data + "task: seq2seq\ntrain: {metric: blue}",
			`x.yaml:3: train.metric: "blue" is none of loss, exact, bleu, rouge`},
		"all smoothing": {data + "task: seq2seq\ntrain: {label_smoothing: 1}",
			"x.yaml:3: train.label_smoothing: 1 is not a share (0 up to, not including, 1)"},
		"all of the source": {data + "task: seq2seq\nmask: {source_prob: 1}",
			"x.yaml:3: mask.source_prob: 1 is not a rate from 0 to below 1"},
		"wsd longer than it": {data + "train: {schedule: wsd, steps: 10, decay_steps: 11}",
			"x.yaml:2: train.decay_steps: 11 is more than train.steps, 10"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := parse(t, tc.text)
			if err == nil {
				t.Fatal("accepted")
			}
			if err.Error() != tc.want {
				t.Errorf("got  %s\nwant %s", err, tc.want)
			}
		})
	}
}

func TestEveryProblemIsListedOnce(t *testing.T) {
	_, err := parse(t, `dvice: cpu
model: {layrs: 1, heads: 0}
train:
  betas: [0.9, 0.95]
  stps: 4
  lr: fast
  warmup: -1
run: {seed: -1}
`)
	want := `the configuration has 7 problems:
  x.yaml:1: dvice: unknown key; did you mean device?
  x.yaml:2: model.layrs: unknown key; did you mean model.layers?
  x.yaml:5: train.stps: unknown key; did you mean train.steps?
  x.yaml:8: run.seed: -1 is not a whole number from 0 up
  x.yaml:6: train.lr: "fast" is not a number
  x.yaml:2: model.heads: 0 is not within 1 … 4095
  x.yaml:7: train.warmup: -1 is not within 0 … 2147483647`
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
}

func TestAnchorsAndMergesAreYAMLsOwnWay(t *testing.T) {
	c, err := parse(t, "data: {train: &text a.txt, valid: *text}\nmodel: &m {layers: 2}\nmask: {<<: {prob: 0.5}, "+
		"form: input}\n")
	if err != nil {
		t.Fatal(err)
	}
	if c.Data.Valid[0] != "a.txt" || c.Model.Layers != 2 || c.Mask.Prob != 0.5 {
		t.Errorf("read %+v", c)
	}
}

func TestYAMLGivesBackTheSameConfig(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := config.Default()
		scramble(t, reflect.ValueOf(&c).Elem())
		text := c.YAML("a comment\nof two lines")
		f, err := config.Parse("x.yaml", text)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		back := config.Default()
		if problems := config.Decode(f.Settings, &back); len(problems)+len(f.Problems) > 0 {
			t.Fatalf("%v %v\n%s", f.Problems, problems, text)
		}
		if d := cmp.Diff(c, back); d != "" {
			t.Fatalf("%s\n%s", d, text)
		}
	})
}

// scramble draws a value for every field, sensible or not.
func scramble(t *rapid.T, v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			scramble(t, v.Field(i))
		}
	case reflect.Int:
		v.SetInt(int64(rapid.Int().Draw(t, "int")))
	case reflect.Uint64:
		v.SetUint(rapid.Uint64().Draw(t, "uint64"))
	case reflect.Float64:
		v.SetFloat(rapid.Float64().Draw(t, "float64"))
	case reflect.Bool:
		v.SetBool(rapid.Bool().Draw(t, "bool"))
	case reflect.String:
		v.SetString(rapid.OneOf(rapid.String(),
			rapid.SampledFrom([]string{"", "1e-3", "true", "null", "~", "[a]", " x ", "2001-01-01", "a: b",
				"#"})).Draw(t, "string"))
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), rapid.IntRange(0, 3).Draw(t, "len"), 3))
		fallthrough
	case reflect.Array:
		for i := range v.Len() {
			scramble(t, v.Index(i))
		}
	default:
		t.Fatalf("a field of kind %s", v.Kind())
	}
}

func TestNearest(t *testing.T) {
	for key, want := range map[string]string{
		"train.learning_rate": "", "train.batchsize": "train.batch_size", "prob": "mask.prob",
		"trian.steps":   "train.steps",
		"model.seq_len": "data.seq_len", "sed": "run.seed", "xyzzy": "", "modle": "model",
	} {
		if got := config.Nearest(key); got != want {
			t.Errorf("Nearest(%s) = %q, want %q", key, got, want)
		}
	}
}

// TestShippedConfigurations holds every file under configs to what a user's file is held to.
func TestShippedConfigurations(t *testing.T) {
	root := filepath.Join("..", "..", "configs")
	found := 0
	err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".yaml" {
			return err
		}
		found++
		t.Run(filepath.Base(path), func(t *testing.T) {
			f, err := config.Read(path)
			if err != nil {
				t.Fatal(err)
			}
			if f.Settings["data"] == nil { // a file for bench, or one whose text is given with --set
				f.Settings["data"] = map[string]any{}
			}
			if section := f.Settings["data"].(map[string]any); section["train"] == nil {
				section["train"] = "given"
			}
			if _, err := f.Config(); err != nil {
				t.Error(err)
			}
		})
		return nil
	})
	if err != nil || found == 0 {
		t.Errorf("%d configurations, %v", found, err)
	}
}

// A run of fewer than five steps has a fifth to decay over, too: its last step.
func TestDecayIsNeverNothing(t *testing.T) {
	for steps, want := range map[int]int{1: 1, 4: 1, 5: 1, 9: 1, 10: 2, 1000: 200} {
		if got := (config.Train{Steps: steps}).Decay(); got != want {
			t.Errorf("%d steps decay over %d, want %d", steps, got, want)
		}
	}
}
