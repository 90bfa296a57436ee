package saved_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dmtrain/internal/config"
	"dmtrain/internal/saved"
	"dmtrain/internal/task"
	"dmtrain/internal/task/tasks"
)

// modelFiles are those of a checkpoint that say nothing of its training.
var modelFiles = []string{"config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"}

// A model with the configuration of another task is refused by name, before anything is read by the wrong task.
func TestSettingsOfAnotherTaskAreRefused(t *testing.T) {
	runs := trained(t, "byte")
	for name, other := range map[string]string{"lm": "seq2seq", "seq2seq": "lm"} {
		bare := t.TempDir()
		gather(t, bare, filepath.Join(runs[name], "last"), modelFiles...)
		gather(t, bare, filepath.Join(runs[other], "last"), "dmtrain.yaml")
		_, err := saved.Evaluate(t.Context(), saved.EvalOptions{Ref: saved.Ref{Checkpoint: bare, Device: "cpu"}},
			tasks.All())
		if err == nil || !strings.Contains(err.Error(), "dmtrain.yaml is of task "+other) {
			t.Errorf("%s with the settings of %s: %v", name, other, err)
		}
	}
}

// A task's problems with the configuration of a model are reported with their lines, as is an unknown task.
func TestSettingsAreHeldToTheirTask(t *testing.T) {
	dir := trained(t, "byte")["seq2seq"]
	for line, want := range map[string]string{
		"task: toy":             "dmtrain.yaml:2: task: \"toy\" is none of lm, seq2seq",
		"mask: {cross: wait_k}": "mask.cross: wait_k needs model.causal_encoder: true",
	} {
		bare := t.TempDir()
		gather(t, bare, filepath.Join(dir, "last"), modelFiles...)
		text := "device: cpu\n" + line + "\n"
		if !strings.HasPrefix(line, "task") {
			text += "task: seq2seq\n"
		}
		if err := os.WriteFile(filepath.Join(bare, "dmtrain.yaml"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		_, err := saved.Load(saved.Ref{Checkpoint: bare, Device: "cpu"}, tasks.All())
		if bad := (*config.Invalid)(nil); !errors.As(err, &bad) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", line, err)
		}
	}
}

// A model without a configuration is of the task that trains such models. Other pairs to evaluate can't be named.
func TestModelWithoutSettings(t *testing.T) {
	text := filepath.Join(t.TempDir(), "text.txt")
	if err := os.WriteFile(text, []byte("once upon a time"), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, dir := range trained(t, "byte") {
		bare := t.TempDir()
		gather(t, bare, filepath.Join(dir, "last"), modelFiles...)
		o := saved.EvalOptions{Ref: saved.Ref{Checkpoint: bare, Device: "cpu"}, Data: []string{text}}
		_, err := saved.Evaluate(t.Context(), o, tasks.All())
		if bad := (*task.OptionError)(nil); name == "lm" && err != nil || name == "seq2seq" && !errors.As(err, &bad) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
