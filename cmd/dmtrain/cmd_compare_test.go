package main

import (
	"errors"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
)

// A comparison that is interrupted in the middle of a run saves it, says how to go on, and ends like one that was not.
func TestInterruptedComparisonGoesOn(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no signals there")
	}
	inTempDir(t)
	args := []string{"compare", "--config", "tiny.yaml", "--arms", "static,adaptive", "--seeds", "1"}
	dmtrain(t, append(args, "--out", "whole")...)
	args = append(args, "--out", "stopped")
	stderr, err := stop(t, os.Interrupt, "stopped/adaptive/seed-1/metrics.jsonl", 5, args...)
	var code *exec.ExitError
	if !errors.As(err, &code) || code.ExitCode() != exitInterrupted ||
		!strings.Contains(stderr, "1 of 2 runs are finished, all is saved; go on by the same command with --resume") {
		t.Fatalf("%v, want exit code %d and how to go on\n%s", err, exitInterrupted, stderr)
	}
	out := dmtrain(t, append(args, "--resume")...)
	if !strings.Contains(out, "adaptive, seed 1: goes on") || strings.Contains(out, "static, seed 1") {
		t.Errorf("%s", out)
	}
	for _, run := range []string{"static", "adaptive"} {
		equalRuns(t, "whole/"+run+"/seed-1", "stopped/"+run+"/seed-1")
	}
}
