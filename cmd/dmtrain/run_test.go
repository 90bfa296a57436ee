package main

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// tinyRun is a configuration that trains in moments and has every kind of state.
const tinyRun = `
data: {train: "builtin:stories?mb=0.02", seq_len: 16}
model: {layers: 1, heads: 2, dim: 16, dropout: 0.1}
mask: {form: infill, control: adaptive, edge_drop: 0.1, warmup: 2, min_tokens: 4}
train: {steps: 200, batch_size: 8, warmup: 2, eval_every: 50, eval_batches: 1, save_every: 20, keep: 2}
log: {every: 1}
`

// stop starts a command, waits until its metrics have the given number of lines, and sends a signal.
func stop(t *testing.T, sig os.Signal, metrics string, lines int, args ...string) (stderr string, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "dmtrain", args...)
	var out bytes.Buffer
	cmd.Stderr = &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for ctx.Err() == nil {
		if text, _ := os.ReadFile(metrics); bytes.Count(text, []byte("\n")) >= lines {
			break
		}
		time.Sleep(time.Millisecond)
	}
	if err := cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Fatal(err)
	}
	err = cmd.Wait()
	if ctx.Err() != nil {
		t.Fatalf("%v: still running after a minute\n%s", args, &out)
	}
	return out.String(), err
}

func dmtrain(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "dmtrain", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("dmtrain %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// runFiles are the files in which two equal runs must be equal.
func runFiles(t *testing.T, run string) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	for _, name := range []string{"last/model.safetensors", "last/optimizer.safetensors", "best/model.safetensors"} {
		data, err := os.ReadFile(filepath.Join(run, name))
		if err != nil {
			t.Fatal(err)
		}
		files[name] = data
	}
	return files
}

func equalRuns(t *testing.T, want, got string) {
	t.Helper()
	w, g := runFiles(t, want), runFiles(t, got)
	for name := range w {
		if !bytes.Equal(w[name], g[name]) {
			t.Errorf("%s differs from that of the run that was never stopped", name)
		}
	}
	if w, g := stepsOf(t, want), stepsOf(t, got); w != g {
		t.Errorf("metrics.jsonl differs, times aside:\n%s\nwant\n%s", g, w)
	}
}

// stepsOf is metrics.jsonl without what depends on the clock.
func stepsOf(t *testing.T, run string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(run, "metrics.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for line := range strings.Lines(string(text)) {
		before, _, _ := strings.Cut(line, `,"time":`)
		b.WriteString(before + "\n")
	}
	return b.String()
}

func inTempDir(t *testing.T) {
	t.Helper()
	t.Chdir(t.TempDir())
	if err := os.WriteFile("tiny.yaml", []byte(tinyRun), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestInterruptedRunSavesAndResumes(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no signals there")
	}
	inTempDir(t)
	dmtrain(t, "train", "--config", "tiny.yaml", "--set", "run.dir=whole", "--quiet")
	for _, sig := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		dir := "stopped-" + strings.ReplaceAll(sig.String(), " ", "-")
		stderr, err := stop(t, sig, dir+"/metrics.jsonl", 30, "train", "--config", "tiny.yaml", "--set", "run.dir="+dir)
		var code *exec.ExitError
		if !errors.As(err, &code) || code.ExitCode() != exitInterrupted {
			t.Fatalf("%v: %v, want exit code %d\n%s", sig, err, exitInterrupted, stderr)
		}
		resume := "dmtrain train --config " + dir + "/config.yaml --resume"
		if !strings.Contains(stderr, resume) {
			t.Errorf("%v: nothing says %q:\n%s", sig, resume, stderr)
		}
		dmtrain(t, strings.Fields(resume)[1:]...)
		equalRuns(t, "whole", dir)
	}
}

func TestKilledRunEndsAsOneThatWasNot(t *testing.T) {
	kills := 2
	if os.Getenv("DMTRAIN_LONG") != "" {
		kills = 10
	}
	inTempDir(t)
	dmtrain(t, "train", "--config", "tiny.yaml", "--set", "run.dir=whole", "--quiet")
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	draw := rand.New(rand.NewPCG(seed, 0))
	args := []string{"train", "--config", "tiny.yaml", "--set", "run.dir=killed", "--quiet"}
	struck := 0
	for kill := range kills {
		at := 1 + draw.IntN(180)
		stderr, err := stop(t, os.Kill, "killed/metrics.jsonl", at, args...)
		var exit *exec.ExitError
		switch {
		case errors.As(err, &exit) && !exit.Exited():
			struck++
		case err != nil:
			t.Fatalf("%v\n%s", err, stderr)
		}
		if kill == 0 {
			args = append(args, "--resume")
		}
	}
	if struck < (kills+1)/2 {
		t.Errorf("%d of %d kills struck a living process", struck, kills)
	}
	dmtrain(t, args...)
	equalRuns(t, "whole", "killed")
}
