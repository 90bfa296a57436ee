package compare

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dmtrain/internal/checkpoint"
	"dmtrain/internal/config"
	"dmtrain/internal/metrics"
	"dmtrain/internal/task/tasks"
	"dmtrain/internal/train"
)

// tiny is a comparison that takes a second. Its masks move from the first steps on.
func tiny(t *testing.T, arms string) Options {
	t.Helper()
	dir := t.TempDir()
	text := filepath.Join(dir, "text.txt")
	if err := os.WriteFile(text, []byte(strings.Repeat("the cat sat on the mat and the dog lay by the log\n", 60)),
		0o644); err != nil {
		t.Fatal(err)
	}
	c := config.Default()
	c.Run.Dir = filepath.Join(dir, "compare")
	c.Data.Train, c.Data.SeqLen = []string{text}, 16
	c.Model.Layers, c.Model.Heads, c.Model.Dim = 1, 2, 16
	c.Data.ValidFraction = 0.05
	c.Train.Steps, c.Train.BatchSize, c.Train.EvalEvery, c.Train.SaveEvery = 6, 8, 3, 0
	c.Train.LR, c.Train.Warmup = 3e-2, 1
	c.Mask.Reliability, c.Mask.Warmup, c.Mask.Anchors, c.Mask.MinTokens = "target_prob", 1, 2, 1
	c.Mask.Low, c.Mask.High, c.Mask.OpenRate, c.Mask.Deadband = 0.01, 0.2, 0.5, 0
	parsed, err := ParseArms(arms)
	if err != nil {
		t.Fatal(err)
	}
	return Options{
		Config:   c,
		Tasks:    tasks.All(),
		Arms:     parsed,
		Seeds:    2,
		Jobs:     1,
		Version:  "test",
		Progress: io.Discard,
	}
}

func mustRun(t *testing.T, o Options) *Report {
	t.Helper()
	r, err := Run(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// outcome is all of a report but for speeds and the directory.
func outcome(t *testing.T, r *Report) string {
	t.Helper()
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var copy Report
	if err := json.Unmarshal(bytes.ReplaceAll(text, []byte(r.Dir), []byte("DIR")), &copy); err != nil {
		t.Fatal(err)
	}
	copy.Setup.Threads = 0 // a run's share of them
	for i := range copy.Arms {
		copy.Arms[i].TokensPerS = Estimate{}
		for _, run := range copy.Arms[i].Runs {
			run.TokensPerS = 0
		}
	}
	text, err = json.MarshalIndent(copy, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

const testArms = "static,adaptive,yoked"

func TestRunWritesWhatItFound(t *testing.T) {
	t.Parallel()
	o := tiny(t, testArms)
	r := mustRun(t, o)
	if err := r.Write(); err != nil {
		t.Fatal(err)
	}
	var back Report
	text, err := os.ReadFile(filepath.Join(r.Dir, JSONFile))
	if err == nil {
		err = json.Unmarshal(text, &back)
	}
	if err != nil {
		t.Fatal(err)
	}
	if got, want := outcome(t, &back), outcome(t, r); got != want {
		t.Errorf("JSON changes the report: %s", cmp.Diff(want, got))
	}
	markdown, err := os.ReadFile(filepath.Join(r.Dir, MarkdownFile))
	if err != nil || !strings.HasPrefix(string(markdown), r.Markdown()) ||
		!strings.Contains(string(markdown), "("+PictureFile+")") {
		t.Errorf("%v, %s", err, markdown)
	}
	if r.Baseline != "static" || len(r.Arms) != 3 || r.Arms[0].BestDifference != nil || r.Arms[0].Infill != nil ||
		r.Arms[1].Infill == nil ||
		r.Arms[2].YokedDifference == nil || r.Setup.ValidTokens == 0 || r.Setup.tokens() != 6*8*16 {
		t.Errorf("%s", text)
	}
	for _, a := range r.Arms {
		for i, run := range a.Runs {
			lowest := slices.MinFunc(run.Curve[1:],
				func(x, y Point) int { return int(math.Copysign(1, float64(x.Valid-y.Valid))) })
			if run.Best != lowest.Valid || run.BestStep != lowest.Step || run.Final != run.Curve[2].Valid ||
				run.step() != 6 || run.Seed != uint64(i+1) {
				t.Errorf("%s: %+v", a.Name, run)
			}
		}
	}
	// The runs start from the same parameters: the evaluation before the first step is the same.
	for seed := range 2 {
		for _, a := range r.Arms {
			if got, want := a.Runs[seed].Curve[0], r.Arms[0].Runs[seed].Curve[0]; got != want {
				t.Errorf("%s, run %d begins with %v, the baseline with %v", a.Name, seed, got, want)
			}
		}
	}
}

// openness is what a run's records say of it.
func openness(t *testing.T, dir string) (u []float64) {
	t.Helper()
	for r, err := range metrics.ReadFile(filepath.Join(dir, checkpoint.MetricsFile)) {
		if err != nil {
			t.Fatal(err)
		}
		if r.Step != nil {
			u = append(u, r.Step.Mask.Openness...)
		}
	}
	return u
}

func TestYokedReplaysTheNextSeed(t *testing.T) {
	t.Parallel()
	o := tiny(t, testArms)
	r := mustRun(t, o)
	for seed := range o.Seeds {
		own, next := openness(t, r.Arms[1].Runs[seed].Dir), openness(t, r.Arms[1].Runs[(seed+1)%o.Seeds].Dir)
		got := openness(t, r.Arms[2].Runs[seed].Dir)
		if slices.Max(next) == 0 || slices.Equal(own, next) {
			t.Fatalf("openness of the adaptive arm does not move, or not by seed: %v and %v", own, next)
		}
		if !slices.Equal(got, next) {
			t.Errorf("run %d replays %v, want %v", seed, got, next)
		}
	}
	replayIsTheSame(t, r.Arms[1].Runs[0].Dir)
}

// replayIsTheSame shows why yoked takes another seed: replaying a run's own openness is the run again.
func replayIsTheSame(t *testing.T, dir string) {
	t.Helper()
	c, err := config.Read(filepath.Join(dir, checkpoint.ConfigFile))
	if err != nil {
		t.Fatal(err)
	}
	yoked, err := c.Config()
	if err != nil {
		t.Fatal(err)
	}
	yoked.Mask.Control, yoked.Mask.YokedTo, yoked.Run.Dir = "yoked", yoked.Run.Dir, filepath.Join(t.TempDir(), "yoked")
	if err := train.Run(context.Background(), train.Options{
		Tasks:   tasks.All(),
		Config:  yoked,
		Console: metrics.NewConsole(metrics.ConsoleOptions{Out: io.Discard, Quiet: true}),
	}); err != nil {
		t.Fatal(err)
	}
	var weights [2][]byte
	for i, dir := range []string{yoked.Mask.YokedTo, yoked.Run.Dir} {
		if weights[i], err = os.ReadFile(filepath.Join(dir, "last", "model.safetensors")); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(weights[0], weights[1]) {
		t.Error("the runs differ")
	}
}

// stopAt is a progress that interrupts the comparison when a line contains its text.
type stopAt struct {
	text string
	stop func()
}

func (s stopAt) Write(line []byte) (int, error) {
	if strings.Contains(string(line), s.text) {
		s.stop()
	}
	return len(line), nil
}

// However often a comparison is stopped, and however many runs are trained at the same time, it ends in the same
// report.
func TestResumedComparisonEndsTheSame(t *testing.T) {
	t.Parallel()
	whole := mustRun(t, tiny(t, testArms))
	o := tiny(t, testArms)
	for _, at := range []string{"adaptive, seed 1: begins", "static, seed 2: begins", "yoked, seed 1: best"} {
		ctx, cancel := context.WithCancel(context.Background())
		o.Progress = stopAt{at, cancel}
		if _, err := Run(ctx, o); !errors.Is(err, train.ErrInterrupted) ||
			!strings.Contains(err.Error(), "of 6 runs are finished") {
			t.Fatalf("stopped at %q: %v", at, err)
		}
		cancel()
		o.Resume = true
	}
	var lines bytes.Buffer
	o.Progress = &lines
	r := mustRun(t, o)
	if got, want := outcome(t, r), outcome(t, whole); got != want {
		t.Error(cmp.Diff(want, got))
	}
	if n := strings.Count(lines.String(), "best valid"); n != 1 {
		t.Errorf("%d runs were trained again:\n%s", n, &lines)
	}
	lines.Reset()
	if got, want := outcome(t, mustRun(t, o)), outcome(t, whole); got != want ||
		strings.Contains(lines.String(), "begins") {
		t.Errorf("of a finished comparison: %s\n%s", cmp.Diff(want, got), &lines)
	}
	parallel := tiny(t, testArms)
	parallel.Jobs = 3
	if got, want := outcome(t, mustRun(t, parallel)), outcome(t, whole); got != want {
		t.Errorf("three at a time: %s", cmp.Diff(want, got))
	}
}

// An interrupted run resumes where it stopped.
func TestHalfARunIsResumed(t *testing.T) {
	t.Parallel()
	o := tiny(t, "static,adaptive")
	runs, err := runsOf(o)
	if err != nil {
		t.Fatal(err)
	}
	quiet := metrics.NewConsole(metrics.ConsoleOptions{Out: io.Discard, Quiet: true})
	if err := train.Run(context.Background(), train.Options{
		Tasks:   tasks.All(),
		Config:  runs[1].config,
		Until:   4,
		Console: quiet,
	}); err != nil {
		t.Fatal(err)
	}
	if s, err := runs[1].stage(); s != started || err != nil {
		t.Fatalf("stage %v, %v", s, err)
	}
	// And one that was killed before it had written its configuration begins again.
	if err := os.MkdirAll(filepath.Join(runs[0].config.Run.Dir, "checkpoints"), 0o755); err != nil {
		t.Fatal(err)
	}
	if s, err := runs[0].stage(); s != absent || err != nil {
		t.Fatalf("stage %v, %v", s, err)
	}
	var lines bytes.Buffer
	o.Resume, o.Progress = true, &lines
	if got, want := outcome(t, mustRun(t, o)), outcome(t, mustRun(t, tiny(t, "static,adaptive"))); got != want {
		t.Error(cmp.Diff(want, got))
	}
	if !strings.Contains(lines.String(), "adaptive, seed 1: goes on") ||
		!strings.Contains(lines.String(), "static, seed 1: begins") {
		t.Errorf("%s", &lines)
	}
}

// Runs with other settings are neither compared nor overwritten.
func TestRefusesRunsOfAnotherComparison(t *testing.T) {
	t.Parallel()
	o := tiny(t, "static,input:0.15")
	mustRun(t, o)
	fails := func(want string) {
		t.Helper()
		if _, err := Run(context.Background(), o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
	fails("a comparison is already here: go on with it by --resume")
	o.Resume = true
	o.Config.Train.LR = 1e-3
	fails("was trained with other settings")
	fails("train.lr: 0.001, was 0.03")
	o.Config.Train.LR = 3e-2
	o.Config.Train.Keep, o.Config.Log.Every = 9, 99 // which say nothing of the result
	mustRun(t, o)

	other := filepath.Join(t.TempDir(), "other.txt")
	if err := os.WriteFile(other, []byte(strings.Repeat("another text altogether\n", 120)), 0o644); err != nil {
		t.Fatal(err)
	}
	o.Config.Data.Train = []string{other}
	o.Seeds = 3
	fails("was trained on another text than")
	o.Config.Data.Train = []string{"none.txt"}
	fails("data.train: none.txt")
}

// An error of one run stops the comparison, and names the run.
func TestARunThatFailsIsNamed(t *testing.T) {
	t.Parallel()
	o := tiny(t, "static,leaky:mask.structure=lookahead;mask.window=2")
	_, err := Run(context.Background(), o)
	if err == nil || !strings.HasPrefix(err.Error(), "leaky, seed 1: ") || !strings.Contains(err.Error(), "leaks") {
		t.Error(err)
	}
}

func TestWarningsOfTheTextAreToldOnce(t *testing.T) {
	t.Parallel()
	o := tiny(t, "static,adaptive")
	o.Config.Data.TrainBytes = 1 << 20
	var lines bytes.Buffer
	o.Progress = &lines
	mustRun(t, o)
	if n := strings.Count(lines.String(), "data.train_bytes"); n != 1 {
		t.Errorf("told %d times:\n%s", n, &lines)
	}
	p := newProgress(&lines, 1, 1, nil)
	lines.Reset()
	p.console("static, seed 1").Warn("step %d skipped", 3)
	if got := fmt.Sprint(&lines); got != "static, seed 1: warning: step 3 skipped\n" {
		t.Errorf("%q", got)
	}
}
