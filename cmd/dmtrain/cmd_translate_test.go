package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// trainPairs trains the model of tinyPairs in the current directory.
func trainPairs(t *testing.T) {
	t.Helper()
	if err := os.WriteFile("pairs.yaml", []byte(tinyPairs), 0o644); err != nil {
		t.Fatal(err)
	}
	dmtrain(t, "train", "--config", "pairs.yaml", "--quiet")
}

// translate runs dmtrain translate on an input.
func translate(t *testing.T, input string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "dmtrain",
		append([]string{"translate", "--run", "pairs", "--max-tokens", "6"}, args...)...)
	cmd.Stdin = strings.NewReader(input)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %v", cmd.Args, err)
	}
	return string(out)
}

// With --nbest every source, even an empty one, has its lines; with --json it has one object.
func TestNBestStaysInStep(t *testing.T) {
	t.Chdir(t.TempDir())
	trainPairs(t)
	const input = "4 May 2021\n\nthe 5th of June 1999\n   \n"
	for _, n := range []int{1, 3, 4} {
		best := fmt.Sprint(n)
		lines := strings.Split(translate(t, input, "--beams", "4", "--nbest", best), "\n")
		if len(lines) != 4*n+1 {
			t.Errorf("--nbest %d: %d lines of 4 sources", n, len(lines)-1)
		}
		for i, line := range lines {
			if i/n%2 == 1 && line != "" {
				t.Errorf("--nbest %d: line %d of an empty source is %q", n, i+1, line)
			}
		}
		objects := strings.Split(strings.TrimSpace(translate(t, input, "--beams", "4", "--nbest", best,
			"--json")), "\n")
		if len(objects) != 4 {
			t.Errorf("--nbest %d: %d objects of 4 sources", n, len(objects))
		}
		for i, text := range objects {
			var o translated
			if err := json.Unmarshal([]byte(text), &o); err != nil || len(o.Targets) > n || i%2 == 1 &&
				len(o.Targets) > 0 {
				t.Errorf("--nbest %d: object %d: %v in %s", n, i+1, err, text)
			}
			for k, s := range o.Targets {
				if want := lines[i*n+k]; s.Text != want {
					t.Errorf("--nbest %d: target %d of source %d is %q as JSON and %q as a line", n, k+1, i+1,
						s.Text, want)
				}
			}
		}
	}
}

// Translations do not depend on which lines arrive together, even when drawn.
func TestTranslationsDoNotDependOnTheirBatches(t *testing.T) {
	t.Chdir(t.TempDir())
	trainPairs(t)
	var input strings.Builder
	for i := range 90 {
		fmt.Fprintf(&input, "%d May %d%s\n", i%28+1, 1950+i, strings.Repeat(" 1", i%7))
		if i%10 == 9 {
			input.WriteString("\n")
		}
	}
	want := translate(t, input.String(), "--temperature", "1", "--seed", "3")
	for _, batch := range []string{"1", "3", "200"} {
		if got := translate(t, input.String(), "--temperature", "1", "--seed", "3", "--batch", batch); got != want {
			t.Errorf("--batch %s gives other targets", batch)
		}
	}
}

// A pipe is translated as it grows: a line's target comes before the next line.
func TestTranslateWritesAsItReads(t *testing.T) {
	t.Chdir(t.TempDir())
	trainPairs(t)
	cmd := exec.CommandContext(t.Context(), "dmtrain", "translate", "--run", "pairs", "--max-tokens", "6", "--nbest",
		"2", "--beams", "2")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	hung := time.AfterFunc(time.Minute, func() { cmd.Process.Kill() })
	defer hung.Stop()
	out := bufio.NewReader(pipe)
	for n := range 4 {
		line := fmt.Sprintf("%d May 2021\n", n+1)
		if n == 2 {
			line = "\n"
		}
		io.WriteString(in, line)
		for range 2 {
			if _, err := out.ReadString('\n'); err != nil {
				t.Fatalf("after %d lines: %v", n+1, err)
			}
		}
	}
	in.Close()
	if rest, err := io.ReadAll(out); err != nil || len(rest) > 0 {
		t.Errorf("%q is left, %v", rest, err)
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}
