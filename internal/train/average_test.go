package train

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	"dmtrain/internal/checkpoint"
	"dmtrain/internal/config"
	"dmtrain/internal/metrics"
	"dmtrain/internal/saved"
	"dmtrain/internal/task/tasks"
)

func averaged() config.Config {
	c := adaptive()
	c.Train.EMA = 0.9
	return c
}

func TestResumeWithAnAverageIsExact(t *testing.T) {
	whole := runConfig(t, averaged())
	mustRun(t, quiet(whole, Options{}))
	want := outcomeOf(t, whole)
	optimizer := fileOf(t, whole, "optimizer.safetensors")
	for _, until := range []int{1, 20, 33} {
		cut := whole
		cut.Run.Dir = t.TempDir()
		mustRun(t, quiet(cut, Options{Until: until}))
		mustRun(t, quiet(cut, Options{Resume: true}))
		want.equals(t, outcomeOf(t, cut))
		if !bytes.Equal(optimizer, fileOf(t, cut, "optimizer.safetensors")) {
			t.Errorf("cut at step %d: what training goes on from differs", until)
		}
	}
}

// The average does not change training, and a checkpoint's model is the one that its step's evaluation measured.
func TestAverageIsWhatIsMeasuredAndSaved(t *testing.T) {
	with := runConfig(t, averaged())
	mustRun(t, quiet(with, Options{}))
	without := with
	without.Train.EMA, without.Run.Dir = 0, t.TempDir()
	mustRun(t, quiet(without, Options{}))
	a, b := lossesOf(t, with), lossesOf(t, without)
	for i := range a.train {
		if a.train[i] != b.train[i] {
			t.Fatalf("step %d: loss %v with an average, %v without", i+1, a.train[i], b.train[i])
		}
	}
	last := len(a.valid) - 1
	if a.valid[last] == b.valid[last] {
		t.Error("the evaluations say the same: they did not measure the average")
	}
	report, err := saved.Evaluate(context.Background(), saved.EvalOptions{Ref: saved.Ref{
		Run:    with.Run.Dir,
		Which:  "last",
		Device: "cpu",
	}}, tasks.All())
	if err != nil {
		t.Fatal(err)
	}
	if report.Loss != a.valid[last] {
		t.Errorf("the saved model's loss is %v, the run's evaluation said %v", report.Loss, a.valid[last])
	}
}

// Resuming may switch averaging on or off; the trained parameters stay the same.
func TestAverageBeginsAndEndsOnResume(t *testing.T) {
	want := runConfig(t, adaptive())
	mustRun(t, quiet(want, Options{}))
	c := want
	c.Run.Dir = t.TempDir()
	mustRun(t, quiet(c, Options{Until: 15}))
	c.Train.EMA = 0.9
	mustRun(t, quiet(c, Options{Resume: true, Until: 35}))
	c.Train.EMA = 0
	mustRun(t, quiet(c, Options{Resume: true}))
	if !bytes.Equal(fileOf(t, c, "model.safetensors"), fileOf(t, want, "model.safetensors")) {
		t.Error("model.safetensors differs from that of a run that never averaged")
	}
}

func fileOf(t *testing.T, c config.Config, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(c.Run.Dir, "last", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

type losses struct{ train, valid []metrics.Number }

func lossesOf(t *testing.T, c config.Config) (l losses) {
	t.Helper()
	for r, err := range metrics.ReadFile(filepath.Join(c.Run.Dir, checkpoint.MetricsFile)) {
		if err != nil {
			t.Fatal(err)
		}
		if r.Step != nil {
			l.train = append(l.train, r.Step.Loss)
		} else if r.Eval != nil {
			l.valid = append(l.valid, r.Eval.ValidLoss)
		}
	}
	return l
}
