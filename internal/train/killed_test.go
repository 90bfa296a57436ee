package train

import (
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"dmtrain/internal/checkpoint"
	"dmtrain/internal/config"
	"dmtrain/internal/rng"
)

// childVar names a configuration for the test binary to train, in tests that kill it.
const childVar = "DMTRAIN_TEST_TRAIN"

func TestMain(m *testing.M) {
	if path := os.Getenv(childVar); path != "" {
		trainFile(path)
	}
	os.Exit(m.Run())
}

// trainFile starts or resumes a run.
func trainFile(path string) {
	file, err := config.Read(path)
	if err == nil {
		var c config.Config
		if c, err = file.Config(); err == nil {
			_, seen := os.Stat(filepath.Join(c.Run.Dir, checkpoint.ConfigFile))
			err = Run(context.Background(), quiet(c, Options{Resume: seen == nil}))
		}
	}
	if err != nil {
		io.WriteString(os.Stderr, err.Error()+"\n")
		os.Exit(1)
	}
	os.Exit(0)
}

// A run killed at any moment resumes to the same end.
func TestKilledRunsResume(t *testing.T) {
	kills := 3
	if os.Getenv("DMTRAIN_LONG") != "" {
		kills = 10
	}
	c := runConfig(t, adaptive())
	c.Train.Steps, c.Train.SaveEvery = 200, 7
	c.Train.Keep = 2
	resumesAfter(t, c, kills)
}

// resumesAfter kills a run several times, at random moments of random steps, and fails unless it ends like an
// undisturbed run.
func resumesAfter(t *testing.T, c config.Config, kills int) {
	t.Helper()
	start := time.Now()
	mustRun(t, quiet(c, Options{}))
	step := time.Since(start) / time.Duration(c.Train.Steps)
	want := outcomeOf(t, c)
	c.Run.Dir = filepath.Join(t.TempDir(), "killed")
	file := filepath.Join(t.TempDir(), "c.yaml")
	if err := os.WriteFile(file, c.YAML(""), 0o644); err != nil {
		t.Fatal(err)
	}
	log := filepath.Join(c.Run.Dir, checkpoint.MetricsFile)
	draw := func(i, stream int) float64 { return float64(rng.Uniform(7, rng.Probe, 0, uint32(stream), uint32(i))) }
	struck := 0
	for i := range kills {
		lines := int((float64(i) + draw(i, 0)) / float64(kills) * 0.8 * float64(c.Train.Steps))
		wait := time.Duration(draw(i, 1) * 0.1 * float64(c.Train.Steps) * float64(step))
		if killChild(t, file, log, lines, wait) {
			struck++
		}
	}
	if struck <= kills/2 {
		t.Errorf("%d of %d kills struck a living process", struck, kills)
	}
	if cmd, stderr := startChild(t, file); cmd.Wait() != nil {
		t.Fatalf("the last child failed:\n%s", stderr)
	}
	want.equals(t, outcomeOf(t, c))
}

// startChild starts training in another process.
func startChild(t *testing.T, file string) (*exec.Cmd, *bytes.Buffer) {
	t.Helper()
	cmd, stderr := exec.Command(os.Args[0]), &bytes.Buffer{}
	cmd.Env = append(os.Environ(), childVar+"="+file)
	cmd.Stderr = stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, stderr
}

// killChild trains in another process, kills it some time after its log has the given number of lines, and reports
// whether it was still running.
func killChild(t *testing.T, file, log string, lines int, wait time.Duration) (struck bool) {
	t.Helper()
	cmd, stderr := startChild(t, file)
	over := make(chan struct{})
	killed := make(chan bool)
	go func() {
		for {
			if text, _ := os.ReadFile(log); bytes.Count(text, []byte("\n")) >= lines {
				break
			}
			select {
			case <-over:
				killed <- false
				return
			case <-time.After(time.Millisecond):
			}
		}
		time.Sleep(wait)
		killed <- cmd.Process.Kill() == nil
	}()
	err := cmd.Wait()
	close(over)
	if !<-killed && err != nil {
		t.Fatalf("%v\n%s", err, stderr)
	}
	return err != nil
}
