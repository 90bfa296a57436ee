package saved_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dmtrain/internal/config"
	"dmtrain/internal/metrics"
	"dmtrain/internal/saved"
	"dmtrain/internal/task/fixture"
	"dmtrain/internal/task/tasks"
	"dmtrain/internal/train"
)

// trained are short runs of every task, with the given kind of tokenizer.
func trained(t *testing.T, tokenizer string) map[string]string {
	t.Helper()
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	dirs := map[string]string{}
	for name, c := range map[string]config.Config{"lm": fixture.Story(fixture.Tiny()), "seq2seq": fixture.Pairs()} {
		c.Device, c.Train.Steps, c.Run.Dir = "cpu", 2, filepath.Join(t.TempDir(), name)
		c.Data.Tokenizer.Kind = tokenizer
		quiet := metrics.NewConsole(metrics.ConsoleOptions{Out: io.Discard, Quiet: true})
		if err := train.Run(t.Context(), train.Options{
			Config:  c,
			Tasks:   tasks.All(),
			Version: "test",
			Console: quiet,
		}); err != nil {
			t.Fatal(err)
		}
		dirs[name] = c.Run.Dir
	}
	return dirs
}

// stopping is a context that is done after a number of calls of Err.
type stopping struct {
	context.Context
	left int
}

func (s *stopping) Err() error {
	if s.left--; s.left < 0 {
		return context.Canceled
	}
	return nil
}

// Evaluations of every task stop when asked to: before the first batch, and later.
func TestEvaluationStops(t *testing.T) {
	for name, dir := range trained(t, "byte") {
		for _, asked := range []int{0, 1, 2} {
			ctx := &stopping{t.Context(), asked}
			o := saved.EvalOptions{Ref: saved.Ref{Run: dir, Device: "cpu"}}
			if _, err := saved.Evaluate(ctx, o, tasks.All()); asked == 0 && !errors.Is(err, context.Canceled) {
				t.Errorf("%s: %v", name, err)
			} else if err == nil && ctx.left < 0 {
				t.Errorf("%s: went on though it was asked to stop", name)
			}
		}
	}
}

// gather copies some files of a checkpoint.
func gather(t *testing.T, to, from string, names ...string) {
	t.Helper()
	for _, name := range names {
		text, err := os.ReadFile(filepath.Join(from, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(to, name), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// A tokenizer with more tokens than the model knows is refused, in every task.
func TestTokenizerBeyondTheModelIsRefused(t *testing.T) {
	bytes := trained(t, "byte")
	for name, dir := range trained(t, "char") {
		bare := t.TempDir()
		gather(t, bare, filepath.Join(dir, "last"), "config.json", "model.safetensors", "dmtrain.yaml")
		gather(t, bare, filepath.Join(bytes[name], "last"), "tokenizer.json", "tokenizer_config.json")
		_, err := saved.Load(saved.Ref{Checkpoint: bare, Device: "cpu"}, tasks.All())
		if err == nil || !strings.Contains(err.Error(), "tokens, the model only") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
