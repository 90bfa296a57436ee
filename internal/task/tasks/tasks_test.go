package tasks_test

import (
	"slices"
	"strings"
	"testing"

	"dmtrain/internal/config"
	"dmtrain/internal/task/tasks"
)

// problems reads a configuration and checks it for its task.
func problems(t *testing.T, text string) error {
	t.Helper()
	f, err := config.Parse("x.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	c := config.Default()
	found := slices.Concat(f.Problems, config.Decode(f.Settings, &c))
	return config.Check(c, found, tasks.All().Problems(c), f.Origin)
}

func TestComplaintsOfTasks(t *testing.T) {
	const data = "data: {train: a.txt}\n"
	for name, tc := range map[string]struct{ text, want string }{
		"no text": {"model: {layers: 0}", `the configuration has 2 problems:
  data.train: names no text (files, globs, directories or builtin:stories)
  x.yaml:1: model.layers: 0 is not within 1 … 4095`},
		"unknown":   {data + "task: speech", `x.yaml:2: task: "speech" is none of lm, seq2seq`},
		"told once": {"data: {train: 5}", "x.yaml:1: data.train: 5 is not text (in quotes it would be)"},
		"structure of pairs": {data + "task: seq2seq\nmask: {structure: full, form: input}",
			"x.yaml:3: mask.structure: task seq2seq has causal and window (and lookahead, to see it refused)"},
		"waiting in vain": {data + "task: seq2seq\nmask: {cross: wait_k}",
			"x.yaml:3: mask.cross: wait_k needs model.causal_encoder: true, or every source position would have " +
				"seen all others"},
		"waiting of text": {data + "mask: {cross: wait_k}", "x.yaml:2: mask.cross: is for task seq2seq"},
		"micro batch": {data + "train: {micro_batch: 5}",
			"x.yaml:2: train.micro_batch: 5 rows a pass do not divide train.batch_size, 16 (0 = all in one pass)"},
		"source of text": {data + "mask: {source_prob: 0.1}", "x.yaml:2: mask.source_prob: is for task seq2seq"},
		"metric of text": {data + "train: {metric: rouge}", "x.yaml:2: train.metric: rouge is for task seq2seq"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := problems(t, tc.text); err == nil || err.Error() != tc.want {
				t.Errorf("got  %v\nwant %s", err, tc.want)
			}
		})
	}
}

// More than one bucket needs a structure that shows a position its document's start, or the buckets would tell of
// it. A target of a pair always starts where its row does.
func TestBucketsNeedTheStart(t *testing.T) {
	const text = "data: {train: a.txt}\nmask: {form: infill, window: 4, buckets: "
	for _, c := range []struct {
		buckets, structure string
		ok                 bool
	}{{"1", "window", true}, {"4", "window", false}, {"4", "causal", true}, {"4", "sinks", true}, {"4", "blocks", true},
		{"4", "prefix", true}, {"4", "full", true}} {
		err := problems(t, text+c.buckets+", structure: "+c.structure+"}")
		if c.ok != (err == nil) || err != nil && !strings.Contains(err.Error(), "mask.buckets: 4 ranges of positions") {
			t.Errorf("%s buckets under structure %s: %v", c.buckets, c.structure, err)
		}
	}
	if err := problems(t, text+"4, structure: window}\ntask: seq2seq"); err != nil {
		t.Errorf("of pairs: %v", err)
	}
	if err := problems(t, strings.Replace(text, "infill", "none", 1)+"4, structure: window}"); err != nil {
		t.Errorf("form none: %v", err)
	}
}

// The starters are the defaults spelled out; that of the usual task has every key.
func TestStartersAreTheDefaults(t *testing.T) {
	for _, k := range tasks.All() {
		file, err := config.Parse("starter", k.Starter())
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range config.Keys() {
			if k.Name() == config.Default().Task && file.Origin(key) == "" {
				t.Errorf("the starter lacks %s", key)
			}
		}
		got, err := file.Config()
		if err != nil {
			t.Fatal(err)
		}
		want := config.Default()
		want.Task, want.Data.Train, want.Run.Dir = k.Name(), []string{k.Builtin()}, got.Run.Dir
		if g, w := string(got.YAML("")), string(want.YAML("")); g != w {
			t.Errorf("%s: got\n%s\nwant\n%s", k.Name(), g, w)
		}
	}
}
