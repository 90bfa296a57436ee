package main

import (
	"encoding/binary"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// enlarge multiplies every parameter of a saved model, and takes away what says that it was another.
func enlarge(t *testing.T, checkpoint string, factor float32) {
	t.Helper()
	path := filepath.Join(checkpoint, "model.safetensors")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for at := 8 + int(binary.LittleEndian.Uint64(data)); at < len(data); at += 4 {
		v := math.Float32frombits(binary.LittleEndian.Uint32(data[at:]))
		binary.LittleEndian.PutUint32(data[at:], math.Float32bits(v*factor))
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"checksums.json", "state.json"} {
		if err := os.Remove(filepath.Join(checkpoint, name)); err != nil {
			t.Fatal(err)
		}
	}
}

// A model of finite parameters whose outputs are not finite has no loss, and eval fails and says so, in both tasks.
func TestEvaluationOfAModelThatOverflows(t *testing.T) {
	inTempDir(t)
	for name, config := range map[string]string{
		"lm": tinyRun,
		"pairs": "task: seq2seq\ndata: {train: \"builtin:dates?n=200\", seq_len: 48, pairs: {batch_tokens: " +
			"512}}\nmodel: {layers: 1, heads: 2, dim: 16}\n",
	} {
		file := name + ".yaml"
		if err := os.WriteFile(file, []byte(config), 0o644); err != nil {
			t.Fatal(err)
		}
		dmtrain(t, "train", "--config", file, "--device", "cpu", "--set", "train.steps=2", "--set", "train.warmup=1",
			"--set", "run.dir="+name, "--quiet")
		checkpoint := filepath.Join(name, "checkpoints", "step-000002")
		enlarge(t, checkpoint, 1e30)
		source := []string{"--run", name, "--which", "last"}
		if name == "lm" {
			if err := os.WriteFile("text.txt", []byte("Once upon a time."), 0o644); err != nil {
				t.Fatal(err)
			}
			source = []string{"--checkpoint", checkpoint, "--data", "text.txt"}
		}
		cmd := exec.Command("dmtrain", append([]string{"eval", "--json", "--device", "cpu"}, source...)...)
		var stdout, stderr strings.Builder
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		err := cmd.Run()
		if err == nil || !strings.Contains(stderr.String(), "has its training diverged?") {
			t.Errorf("%s: %v\n%s%s", name, err, &stdout, &stderr)
		}
		// pairs are decoded, and that fails before
		if name == "lm" && !strings.Contains(stdout.String(), `"loss":null`) {
			t.Errorf("the loss in JSON: %s", &stdout)
		}
	}
}
