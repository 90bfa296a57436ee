package train

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"dmtrain/internal/checkpoint"
	"dmtrain/internal/config"
	"dmtrain/internal/mask"
	"dmtrain/internal/metrics"
	"dmtrain/internal/rng"
	"dmtrain/internal/task"
	"dmtrain/internal/task/fixture"
	"dmtrain/internal/task/tasks"
)

func quiet(c config.Config, o Options) Options {
	o.Tasks = tasks.All()
	o.Config, o.Version = c, "test"
	o.Console = metrics.NewConsole(metrics.ConsoleOptions{Out: io.Discard, Quiet: true})
	return o
}

// runConfig adds a text and a run directory to a configuration.
func runConfig(t *testing.T, c config.Config) config.Config {
	t.Helper()
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	dir := t.TempDir()
	text := filepath.Join(dir, "text.txt")
	words := strings.Fields("the a cat dog bird saw ran sat on under over mat tree house and then but so")
	var b strings.Builder
	for i := range uint32(3000) {
		b.WriteString(words[rng.Below(1, rng.Probe, 0, 0, i, len(words))] + " ")
	}
	if err := os.WriteFile(text, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	c.Data.Train = []string{text}
	c.Run.Dir = filepath.Join(dir, "run")
	return c
}

func mustRun(t *testing.T, o Options) {
	t.Helper()
	if err := Run(context.Background(), o); err != nil {
		t.Fatal(err)
	}
}

// outcome is what must be reproduced exactly: the parameters, and the records without times.
type outcome struct {
	model   []byte
	records []string
}

func outcomeOf(t *testing.T, c config.Config) outcome {
	t.Helper()
	var o outcome
	var err error
	if o.model, err = os.ReadFile(filepath.Join(c.Run.Dir, "last", "model.safetensors")); err != nil {
		t.Fatal(err)
	}
	for r, err := range metrics.ReadFile(filepath.Join(c.Run.Dir, checkpoint.MetricsFile)) {
		if err != nil {
			t.Fatal(err)
		}
		var record any
		switch {
		case r.Step != nil:
			r.Step.Time, record = metrics.Time{}, r.Step
		case r.Eval != nil:
			r.Eval.Time, record = metrics.Time{}, r.Eval
		case r.Test != nil:
			r.Test.Time, record = metrics.Time{}, r.Test
		}
		line, err := json.Marshal(record)
		if err != nil {
			t.Fatal(err)
		}
		o.records = append(o.records, string(line))
	}
	return o
}

func (want outcome) equals(t *testing.T, got outcome) {
	t.Helper()
	if !bytes.Equal(got.model, want.model) {
		t.Error("model.safetensors differs")
	}
	if !slices.Equal(got.records, want.records) {
		for i := range min(len(got.records), len(want.records)) {
			if got.records[i] != want.records[i] {
				t.Errorf("record %d:\n%s\nwant\n%s", i, got.records[i], want.records[i])
				break
			}
		}
		t.Errorf("%d records, want %d", len(got.records), len(want.records))
	}
}

func adaptive() config.Config {
	c := fixture.WithMask(mask.FormInfill, mask.ControlAdaptive)
	c.Mask.Low, c.Mask.High, c.Mask.Buckets = 0, 0.3, 2
	c.Model.Dropout = 0.1
	return c
}

func TestResumeIsExact(t *testing.T) {
	whole := runConfig(t, adaptive())
	mustRun(t, quiet(whole, Options{}))
	want := outcomeOf(t, whole)
	if !strings.Contains(want.records[len(want.records)-2], `"openness":[0.`) {
		t.Errorf("the mask never moved: %s", want.records[len(want.records)-2])
	}
	for _, until := range []int{1, 20, 30, 59} {
		cut := whole
		cut.Run.Dir = t.TempDir()
		mustRun(t, quiet(cut, Options{Until: until}))
		mustRun(t, quiet(cut, Options{Resume: true}))
		want.equals(t, outcomeOf(t, cut))
	}
}

func TestThreadsChangeNothing(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	c := runConfig(t, adaptive())
	mustRun(t, quiet(c, Options{}))
	want := outcomeOf(t, c)
	for _, n := range []int{1, 2, 4} {
		runtime.GOMAXPROCS(n)
		c.Run.Dir = t.TempDir()
		mustRun(t, quiet(c, Options{}))
		want.equals(t, outcomeOf(t, c))
	}
}

// A run that is interrupted before its first step leaves nothing, and can be started again.
func TestInterruptedBeforeItsFirstStep(t *testing.T) {
	c := runConfig(t, fixture.Tiny())
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := Run(ctx, quiet(c, Options{})); !errors.Is(err, ErrNotBegun) || !errors.Is(err, ErrInterrupted) {
		t.Fatalf("got %v", err)
	}
	if _, err := checkpoint.ViewRun(c.Run.Dir); !errors.Is(err, checkpoint.ErrNoRun) {
		t.Fatalf("viewing the run: %v", err)
	}
	mustRun(t, quiet(c, Options{}))
}

// faulty makes the evaluation after a step call fail and return its error.
func faulty(o Options, at int, fail func() error) Options {
	o.Hooks.Scored = func(b *task.Batch) error {
		if b.Kind == task.BatchValid && b.Step == at {
			return fail()
		}
		return nil
	}
	return o
}

// runFaulty is Run with an evaluation that fails.
func runFaulty(t *testing.T, ctx context.Context, o Options, at int, fail func() error) error {
	t.Helper()
	s, err := open(ctx, faulty(o, at, fail))
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	return s.trainUntilAsked()
}

// A run interrupted in an evaluation repeats it when resumed, and ends like an uninterrupted one.
func TestInterruptedEvaluationIsMadeUpFor(t *testing.T) {
	whole := runConfig(t, fixture.Tiny())
	mustRun(t, quiet(whole, Options{}))
	want := outcomeOf(t, whole)
	for _, at := range []int{whole.Train.EvalEvery, whole.Train.Steps} {
		c := runConfig(t, fixture.Tiny())
		ctx, cancel := context.WithCancel(context.Background())
		err := runFaulty(t, ctx, quiet(c, Options{}), at, func() error {
			cancel()
			return ctx.Err()
		})
		if !errors.Is(err, ErrInterrupted) {
			t.Fatalf("got %v", err)
		}
		mustRun(t, quiet(c, Options{Resume: true}))
		want.equals(t, outcomeOf(t, c))
	}
}

// A failure before the first step leaves no new run, and keeps an old one.
func TestFirstFaultLeavesNoRun(t *testing.T) {
	c := runConfig(t, fixture.Tiny())
	fault := errors.New("the device is gone")
	fail := func() error { return fault }
	if err := runFaulty(t, context.Background(), quiet(c, Options{}), 0, fail); !errors.Is(err, fault) {
		t.Fatalf("got %v", err)
	}
	mustRun(t, quiet(c, Options{}))
	want := outcomeOf(t, c)
	if err := runFaulty(t, context.Background(), quiet(c, Options{Overwrite: true}), 0, fail); !errors.Is(err, fault) {
		t.Fatalf("got %v", err)
	}
	want.equals(t, outcomeOf(t, c))
}

func TestRunsAreNotMixedUp(t *testing.T) {
	c := runConfig(t, fixture.Tiny())
	c.Train.Steps = 20
	if err := Run(context.Background(), quiet(c, Options{Resume: true})); !errors.Is(err, checkpoint.ErrNoRun) {
		t.Errorf("resuming nothing: %v", err)
	}
	mustRun(t, quiet(c, Options{}))
	if err := Run(context.Background(), quiet(c, Options{})); !errors.Is(err, checkpoint.ErrRunExists) {
		t.Errorf("starting over a run: %v", err)
	}
	for name, change := range map[string]struct {
		change func(*config.Config)
		want   string
	}{
		"model":  {func(c *config.Config) { c.Model.Layers = 3 }, "model.layers: 3, was 2"},
		"seed":   {func(c *config.Config) { c.Run.Seed = 2 }, "run.seed: 2, was 1"},
		"mask":   {func(c *config.Config) { c.Mask.Form = mask.FormInput }, "mask.form: input, was none"},
		"batch":  {func(c *config.Config) { c.Train.BatchSize = 4 }, "train.batch_size: 4, was 8"},
		"text":   {func(c *config.Config) { c.Data.Train = []string{otherText(t)} }, "the text is not the one"},
		"vanish": {func(c *config.Config) { c.Data.Train = []string{"/nowhere.txt"} }, "/nowhere.txt"},
	} {
		changed := c
		change.change(&changed)
		err := Run(context.Background(), quiet(changed, Options{Resume: true}))
		if err == nil || !strings.Contains(err.Error(), change.want) {
			t.Errorf("%s: got %v, want %q", name, err, change.want)
		}
	}
	longer := c
	longer.Train.Steps = 30
	mustRun(t, quiet(longer, Options{Resume: true}))
	mustRun(t, quiet(c, Options{Overwrite: true}))
}

func otherText(t *testing.T) string {
	path := filepath.Join(t.TempDir(), "other.txt")
	if err := os.WriteFile(path, []byte(strings.Repeat("something else entirely. ", 800)), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// The error of a damaged checkpoint suggests an intact one, from which the run ends like the undamaged one.
func TestDamageIsNamedAndPassedBy(t *testing.T) {
	c := runConfig(t, fixture.Tiny())
	mustRun(t, quiet(c, Options{}))
	want := outcomeOf(t, c)
	path := filepath.Join(c.Run.Dir, "checkpoints", "step-000060", "optimizer.safetensors")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text[len(text)/2] ^= 1
	if err := os.WriteFile(path, text, 0o644); err != nil {
		t.Fatal(err)
	}
	err = Run(context.Background(), quiet(c, Options{Resume: true}))
	if err == nil || !strings.Contains(err.Error(), "optimizer.safetensors") ||
		!strings.HasSuffix(err.Error(), "--resume --from 40") {
		t.Fatalf("got %v", err)
	}
	mustRun(t, quiet(c, Options{Resume: true, From: 40}))
	want.equals(t, outcomeOf(t, c))
}

func TestPatience(t *testing.T) {
	c := runConfig(t, fixture.Tiny())
	c.Train.Steps, c.Train.LR, c.Train.MinLR, c.Train.Schedule = 500, 0.3, 0.3, "constant"
	c.Train.EvalEvery, c.Train.Patience, c.Train.GradClip = 5, 3, 0
	mustRun(t, quiet(c, Options{}))
	var last *metrics.Eval
	for r, err := range metrics.ReadFile(filepath.Join(c.Run.Dir, checkpoint.MetricsFile)) {
		if err != nil {
			t.Fatal(err)
		}
		if r.Eval != nil {
			last = r.Eval
		}
	}
	if last.Step >= 500 || last.Best {
		t.Errorf("stopped at step %d, best %v", last.Step, last.Best)
	}
}

func TestTenBadStepsEndTheRun(t *testing.T) {
	c := runConfig(t, fixture.Tiny())
	c.Train.LR, c.Train.MinLR, c.Train.Schedule, c.Train.Warmup, c.Train.GradClip = 1e30, 1e30, "constant", 0, 0
	c.Train.EvalEvery, c.Train.SaveEvery, c.Train.Keep = 0, 1, 2
	err := Run(context.Background(), quiet(c, Options{}))
	if err == nil || !strings.Contains(err.Error(), "10 steps in a row") ||
		!strings.Contains(err.Error(), "the last checkpoint is that of step 1 (") {
		t.Errorf("got %v", err)
	}
	run, err := checkpoint.ViewRun(c.Run.Dir)
	if err != nil {
		t.Fatal(err)
	}
	// skipped steps are not saved, and delete no checkpoint
	if steps, err := run.Steps(); err != nil || !slices.Equal(steps, []int{1}) {
		t.Errorf("checkpoints of steps %v, %v", steps, err)
	}
}
