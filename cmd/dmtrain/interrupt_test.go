package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// interrupted starts a command, interrupts it after a while, and returns how it ended and how long that took.
func interrupted(
	t *testing.T, after time.Duration, stdin io.Reader, args ...string,
) (stderr string, code int, took time.Duration) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "dmtrain", args...)
	var out bytes.Buffer
	cmd.Stdin, cmd.Stderr = stdin, &out
	if err := cmd.Start(); err != nil {
		t.Error(err)
		return
	}
	time.Sleep(after)
	at := time.Now()
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Errorf("dmtrain %s: %v\n%s", strings.Join(args, " "), err, &out)
	}
	err := cmd.Wait()
	took = time.Since(at)
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		code = exit.ExitCode()
	}
	return out.String(), code, took
}

// pipe is a standard input on which nothing comes.
func pipe(t *testing.T) io.Reader {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close(); w.Close() })
	return r
}

const tinyPairs = `
task: seq2seq
run: {dir: pairs}
data: {train: "builtin:dates?n=300", seq_len: 48, pairs: {batch_tokens: 256}}
model: {layers: 1, heads: 2, dim: 16}
train: {steps: 1, warmup: 1, eval_batches: 1}
`

// The first interruption ends every command at once: one that waits for its input, and one within a long computation.
func TestInterruptionEndsEveryCommand(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no signals there")
	}
	inTempDir(t)
	write := func(name, text string) {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("pairs.yaml", tinyPairs)
	write("long.txt", strings.Repeat("a b c d e f g h i j ", 300_000)+"\n")
	dmtrain(t, "train", "--config", "pairs.yaml", "--quiet")
	dmtrain(t, "train", "--config", "tiny.yaml", "--set", "run.dir=lm", "--set", "train.steps=2", "--quiet")
	var all sync.WaitGroup
	for name, args := range map[string][]string{
		"translate waits":     {"translate", "--run", "pairs"},
		"sample waits":        {"sample", "--run", "lm", "--prompt-file", "-"},
		"sample goes on":      {"sample", "--run", "lm", "--num", "1000000"},
		"score waits":         {"score", "--hyp", "/dev/stdin", "--ref", "long.txt"},
		"score compares":      {"score", "--hyp", "long.txt", "--ref", "long.txt"},
		"tokenizer waits":     {"tokenizer", "train", "--out", "v.json", "/dev/stdin"},
		"configuration waits": {"train", "--config", "/dev/stdin"},
		"evaluation":          {"eval", "--run", "lm", "--data", "long.txt", "--per-token", "tokens.jsonl"},
		"first evaluation": {"train", "--config", "tiny.yaml", "--set", "run.dir=none", "--set",
			"data.valid=long.txt", "--set", "train.eval_batches=0"},
		"mask check": {"mask", "check", "--config", "tiny.yaml", "--rows", "500", "--layers", "50"},
		"benchmark":  {"bench", "--config", "tiny.yaml", "--steps", "1000000"},
	} {
		waiting := pipe(t)
		all.Go(func() {
			stderr, code, took := interrupted(t, time.Second, waiting, args...)
			for wait := 2 * time.Second; code < 0 && wait < time.Minute; wait *= 2 { // it had not even begun
				stderr, code, took = interrupted(t, wait, waiting, args...)
			}
			if code != exitInterrupted || took > 20*time.Second || !strings.Contains(stderr, "dmtrain: interrupted") {
				t.Errorf("%s: exit code %d after %v\n%s", name, code, took, stderr)
			}
		})
	}
	all.Wait()
	if left, _ := filepath.Glob("*tokens.jsonl*"); len(left) > 0 {
		t.Errorf("%v was left behind", left)
	}
	if left, _ := filepath.Glob(".*tokens.jsonl*"); len(left) > 0 {
		t.Errorf("%v was left behind", left)
	}
}
