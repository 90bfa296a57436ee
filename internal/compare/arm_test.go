package compare

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dmtrain/internal/config"
	"dmtrain/internal/mask"
	"dmtrain/internal/task/tasks"
)

func someConfig(seeds int, arms string) (Options, error) {
	c := config.Default()
	c.Data.Train = []string{"builtin:stories"}
	parsed, err := ParseArms(arms)
	return Options{
		Config: c,
		Tasks:  tasks.All(),
		Arms:   parsed,
		Seeds:  seeds,
		Jobs:   1,
	}, err
}

func mustRuns(t *testing.T, seeds int, arms string) (Options, []run) {
	t.Helper()
	o, err := someConfig(seeds, arms)
	if err == nil {
		err = o.Check()
	}
	if err != nil {
		t.Fatal(err)
	}
	runs, err := runsOf(o)
	if err != nil {
		t.Fatal(err)
	}
	return o, runs
}

// The configuration of every predefined arm.
func TestReadyArms(t *testing.T) {
	o, runs := mustRuns(t, 2, DefaultArms+",two_pass")
	type settings struct {
		form, control           string
		dropout, prob, openness float64
		anchors                 int
		reliability             string
	}
	d := mask.DefaultConfig()
	want := map[string]settings{
		"static":      {"none", "fixed", 0, d.Prob, d.Openness, d.Anchors, d.Reliability},
		"dropout:0.1": {"none", "fixed", 0.1, d.Prob, d.Openness, d.Anchors, d.Reliability},
		"input:0.15":  {"input", "fixed", 0, 0.15, d.Openness, 0, d.Reliability},
		"linear":      {"infill", "linear", 0, d.Prob, d.Openness, d.Anchors, d.Reliability},
		"infill":      {"infill", "fixed", 0, d.Prob, 1, d.Anchors, d.Reliability},
		"adaptive":    {"infill", "adaptive", 0, d.Prob, d.Openness, d.Anchors, d.Reliability},
		"inverse":     {"infill", "inverse", 0, d.Prob, d.Openness, d.Anchors, d.Reliability},
		"yoked":       {"infill", "yoked", 0, d.Prob, d.Openness, d.Anchors, d.Reliability},
		"two_pass":    {"infill", "two_pass", 0, d.Prob, d.Openness, d.Anchors, "confidence"},
	}
	if len(runs) != 2*len(want) {
		t.Fatalf("%d runs of %d arms", len(runs), len(want))
	}
	for _, tr := range runs {
		m, name := tr.config.Mask, o.Arms[tr.arm].Name
		got := settings{m.Form, m.Control, tr.config.Model.Dropout, m.Prob, m.Openness, m.Anchors, m.Reliability}
		if got != want[name] {
			t.Errorf("%s: %+v, want %+v", name, got, want[name])
		}
	}
}

// A predefined arm overrides the configured mask and dropout.
func TestReadyArmsOverrideWhatTheyCompare(t *testing.T) {
	o, err := someConfig(1, "static,adaptive")
	if err != nil {
		t.Fatal(err)
	}
	plain, _ := runsOf(o)
	o.Config.Mask.Form, o.Config.Mask.Control, o.Config.Model.Dropout = mask.FormInput, mask.ControlLinear, 0.3
	got, err := runsOf(o)
	if err != nil {
		t.Fatal(err)
	}
	for i := range got {
		if d := cmp.Diff(plain[i].config, got[i].config); d != "" {
			t.Error(d)
		}
	}
}

func TestRunsArePairedAndYokedToTheNextSeed(t *testing.T) {
	o, err := someConfig(3, "static,slow:adaptive;mask.open_rate=0.001,yoked:slow")
	if err != nil {
		t.Fatal(err)
	}
	o.Config.Run.Seed, o.Config.Run.Dir = 7, "runs/x"
	runs, err := runsOf(o)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, tr := range runs {
		got = append(got, strings.Join([]string{tr.name(o.Arms), tr.config.Run.Dir, tr.config.Mask.YokedTo}, " | "))
		if slow := tr.config.Mask.OpenRate == 0.001; slow != (tr.arm > 0) {
			t.Errorf("%s: open_rate %v", tr.name(o.Arms), tr.config.Mask.OpenRate)
		}
	}
	want := []string{
		"static, seed 7 | runs/x/static/seed-7 | ", "slow, seed 7 | runs/x/slow/seed-7 | ",
		"yoked:slow, seed 7 | runs/x/yoked-slow/seed-7 | runs/x/slow/seed-8",
		"static, seed 8 | runs/x/static/seed-8 | ", "slow, seed 8 | runs/x/slow/seed-8 | ",
		"yoked:slow, seed 8 | runs/x/yoked-slow/seed-8 | runs/x/slow/seed-9",
		"static, seed 9 | runs/x/static/seed-9 | ", "slow, seed 9 | runs/x/slow/seed-9 | ",
		"yoked:slow, seed 9 | runs/x/yoked-slow/seed-9 | runs/x/slow/seed-7",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestOwnArms(t *testing.T) {
	arms, err := ParseArms("static, a:mask.form=input; " +
		"mask.prob_range=[0.1,0.2];mask.control=linear,b:dropout:0.2;train.lr=1e-2")
	if err != nil {
		t.Fatal(err)
	}
	want := []Setting{{"mask.form", "input"}, {"mask.prob_range", "[0.1,0.2]"}, {"mask.control", "linear"}}
	if d := cmp.Diff(want, arms[1].Settings); d != "" || arms[1].Name != "a" {
		t.Errorf("%s: %s", arms[1].Name, d)
	}
	_, runs := mustRuns(t, 1, "static,a:mask.form=input;mask.prob_range=[0.1,0.2],b:dropout:0.2;train.lr=1e-2")
	if a, b := runs[1].config, runs[2].config; a.Mask.ProbRange != [2]float64{0.1, 0.2} || a.Train.LR != 1e-3 ||
		b.Train.LR != 1e-2 || b.Model.Dropout != 0.2 {
		t.Errorf("a %+v\nb %+v", a.Mask, b.Train)
	}
}

func TestArmsThatCantBe(t *testing.T) {
	for arms, want := range map[string]string{
		"": "names no arm; ready-made are static, dropout:P, input:P, infill, linear, " +
			"adaptive, inverse, two_pass, yoked:ARM; your own are NAME:key=value",
		" , ":                   "names no arm",
		"static,adptive":        `"adptive" is not an arm; ready-made are static`,
		"static:0.1":            `"static:0.1": static is ready-made and takes nothing`,
		"static,dropout":        `"dropout": lacks its value: dropout:P`,
		"static,input:":         `"input:": lacks its value: input:P`,
		"static,a b:train.lr=1": `"a b" can't name an arm`,
		"static,x:adptive":      `"adptive" is neither key=value nor a ready-made arm`,
		"static,x:":             `"" is neither`,
		"static,x:yoked;yoked":  "yoked twice",
		"static":                "two arms at least",
		"static,static":         "two arms are named static",
		"static,dropout:0.1,dropout-0.1:model.dropout=0.1": "two arms are named dropout-0.1",
		"static,dropout:2":               "--arms: dropout:2: model.dropout: 2 is not a rate",
		"static,dropout:much":            `--arms: dropout:much: model.dropout: "much" is not a number`,
		"static,x:mask.prb=0.1":          "--arms: x: mask.prb: unknown key; did you mean mask.prob?",
		"static,x:mask=1":                "--arms: x: mask: is a section",
		"static,x:train.steps=5":         "--arms: x: train.steps: has to be the same for all arms",
		"static,x:data.seq_len=5":        "--arms: x: data.seq_len: has to be the same for all arms",
		"static,x:run.seed=5":            "--arms: x: run.seed: has to be the same for all arms",
		"static,x:mask.control=adaptive": "--arms: x: mask.control: adaptive has nothing to move under form none",
		"static,yoked": `--arms: yoked: replays the openness of "adaptive", which is not among ` +
			`the arms`,
		"static,yoked:static": "--arms: yoked:static: replays the openness of static, which has none " +
			"that moves (form none, control fixed)",
		"adaptive,yoked,yoked:yoked": `--arms: yoked:yoked: replays the openness of "yoked", which is not`,
		"infill,yoked:infill":        "has none that moves (form infill, control fixed)",
		"x:two_pass,yoked:x":         "has none that moves (form infill, control two_pass)",
	} {
		o, err := someConfig(2, arms)
		if err == nil {
			err = o.Check()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want one with %q", arms, err, want)
		}
	}
}

// All problems of all arms are reported at once, as for any configuration.
func TestAllArmsProblemsAreTold(t *testing.T) {
	o, err := someConfig(1, "static,dropout:1.5,input:7")
	if err != nil {
		t.Fatal(err)
	}
	var invalid *config.Invalid
	if err := o.Check(); !errors.As(err, &invalid) || len(invalid.Problems) != 2 {
		t.Errorf("%v", err)
	}
}

func TestOptionsThatCantBe(t *testing.T) {
	for want, edit := range map[string]func(*Options){
		`the baseline "dropout" is not among the arms`: func(o *Options) { o.Baseline = "dropout" },
		"0 is not a number of seeds":                   func(o *Options) { o.Seeds = 0; o.Arms = o.Arms[:2] },
		"-1 is not a number of runs":                   func(o *Options) { o.Jobs = -1 },
		"yoked replays the openness of another seed's run, so it needs at least 2 seeds": func(o *Options) {
			o.Seeds = 1
		},
		"train.patience: 3 could end arms after different numbers of tokens": func(o *Options) {
			o.Config.Train.Patience = 3
		},
	} {
		o, err := someConfig(2, "static,adaptive,yoked")
		if err != nil {
			t.Fatal(err)
		}
		edit(&o)
		if err := o.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}

// FuzzParseArms: any list is refused, or gives arms that can be checked.
func FuzzParseArms(f *testing.F) {
	for _, list := range []string{DefaultArms, "a:b=c;d=[1,2],e:yoked", "x:[", ":,;", "yoked:yoked",
		"x:mask.prob_range=[,]"} {
		f.Add(list)
	}
	f.Fuzz(func(t *testing.T, list string) {
		o, err := someConfig(2, list)
		if err != nil {
			return
		}
		if len(o.Arms) == 0 {
			t.Fatal("no arms and no error")
		}
		_ = o.Check()
	})
}
