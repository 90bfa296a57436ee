package checkpoint

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

var errCrash = errors.New("crash")

// scenario is a run with every kind of change: three checkpoints, one saved twice, the best not the
// last, pruning, a rewind. It reports each checkpoint before Save begins and after it returned.
func scenario(d disk, dir string, report func(event string, step int)) error {
	r, err := startRun(d, dir, false)
	if errors.Is(err, ErrRunExists) {
		r, err = resumeRun(d, dir)
	}
	if err != nil {
		return err
	}
	defer r.Close()
	if err := r.WriteFile(ConfigFile, []byte("seed: 1\n")); err != nil {
		return err
	}
	for _, step := range []int{10, 20, 20, 30, 40} {
		best := &Best{Step: min(step, 20), Loss: 1}
		report("begin", step)
		if _, err := r.Save(checkpointAt(step, best)); err != nil {
			return err
		}
		report("saved", step)
		if err := r.Prune(2); err != nil {
			return err
		}
	}
	report("rewind", 30)
	if err := r.Rewind(30); err != nil {
		return err
	}
	report("rewound", 30)
	return nil
}

// TestCrashAtEveryOperation stops the scenario before each of its operations on the disk, the rest
// never happening, and demands of what is left what a run promises.
func TestCrashAtEveryOperation(t *testing.T) {
	total := 0
	base := memoryDir(t)
	count := disk{sync: unsynced, before: func(op, path string) error { total++; return nil }}
	if err := scenario(count, filepath.Join(base, "counted"), func(string, int) {}); err != nil {
		t.Fatal(err)
	}
	if total < 100 {
		t.Fatalf("only %d operations were seen", total)
	}
	for crashAt := range total {
		dir := filepath.Join(base, fmt.Sprint(crashAt))
		n := 0
		var saved, begun int
		d := disk{sync: unsynced, before: func(op, path string) error {
			if n++; n > crashAt {
				return errCrash
			}
			return nil
		}}
		rewind := false
		err := scenario(d, dir, func(event string, step int) {
			switch event {
			case "begin":
				begun = step
			case "saved":
				saved = step
			case "rewind":
				rewind = true
			}
		})
		if err != nil && !errors.Is(err, errCrash) {
			t.Fatalf("operation %d: %v", crashAt, err)
		}
		checkAfterCrash(t, dir, saved, begun, rewind)
		if t.Failed() {
			t.Fatalf("crash at operation %d of %d", crashAt, total)
		}
		if err := scenario(disk{sync: unsynced}, dir, func(string, int) {}); err != nil {
			t.Fatalf("going on after a crash at operation %d: %v", crashAt, err)
		}
		checkAfterCrash(t, dir, 30, 30, true)
		os.RemoveAll(dir)
	}
}

// memoryDir is a temporary directory, in memory if the system has such a place.
func memoryDir(t *testing.T) string {
	dir, err := os.MkdirTemp("/dev/shm", "checkpoint")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// checkAfterCrash: the last checkpoint is the last that Save promised, or the one it was working on;
// the best is there; all are intact, for a viewer at once and for the owner after recovery.
func checkAfterCrash(t *testing.T, dir string, saved, begun int, rewind bool) {
	t.Helper()
	for _, open := range []func(string) (*Run, error){ViewRun, ResumeRun} {
		r, err := open(dir)
		if errors.Is(err, ErrNoRun) && saved == 0 {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		steps, err := r.Steps()
		if err != nil {
			t.Fatal(err)
		}
		for _, step := range steps {
			expect(t, r.StepDir(step), step)
		}
		last, err := r.Last()
		atViewing := r.lock == nil && saved == begun // a step that replaces itself is away for an instant
		switch {
		case errors.Is(err, ErrNoCheckpoint) && saved == 0:
		case err != nil:
			t.Errorf("last: %v (steps %v)", err, steps)
		case last != saved && last != begun && !(rewind && last == 30) && !(atViewing && last < saved):
			t.Errorf("last is %d; saved %d, begun %d", last, saved, begun)
		case last >= 20:
			s, err := r.Load("best")
			if err != nil {
				t.Errorf("best: %v", err)
				break
			}
			if s.State.Step != 20 {
				t.Errorf("best is %d", s.State.Step)
			}
			s.Close()
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if names := leftovers(t, dir); len(names) > 0 {
		t.Errorf("left over: %v", names)
	}
}

// TestAFailedSaveLeavesTheRunUsable: one operation fails, as on a full disk, and later ones do not.
func TestAFailedSaveLeavesTheRunUsable(t *testing.T) {
	base := memoryDir(t)
	for failAt := 0; ; failAt++ {
		r, err := startRun(disk{sync: unsynced}, filepath.Join(base, fmt.Sprint(failAt)), false)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		save(t, r, 10, nil)
		n := 0
		r.disk.before = func(op, path string) error {
			if n++; n == failAt+1 {
				return errCrash
			}
			return nil
		}
		_, failed := r.Save(checkpointAt(10, &Best{Step: 10, Loss: 1}))
		if n <= failAt {
			if failed != nil {
				t.Fatal(failed)
			}
			break // past the last operation
		}
		expect(t, r.StepDir(10), 10)
		if failed != nil && !strings.Contains(failed.Error(), r.StepDir(10)) {
			t.Errorf("operation %d: error %q does not name the checkpoint", failAt, failed)
		}
		r.disk.before = nil
		save(t, r, 10, nil)
		expect(t, r.StepDir(10), 10)
		if names := leftovers(t, r.Dir); len(names) > 0 {
			t.Errorf("operation %d: left over: %v", failAt, names)
		}
	}
}

// TestWhatIsRenamedWasForcedToTheDiskBefore is about loss of power, which undoes what was not synced.
func TestWhatIsRenamedWasForcedToTheDiskBefore(t *testing.T) {
	r := newRun(t)
	var log []string
	r.disk.before = func(op, file string) error {
		rel, err := filepath.Rel(r.Dir, file)
		if op != "write" {
			log = append(log, op+" "+filepath.ToSlash(rel))
		}
		return err
	}
	save(t, r, 1, nil)
	var want []string
	for _, name := range []string{configName, modelName, optimizerName, stateName, "tokenizer.json", manifestName} {
		file := path.Join(stepsDir, tmpPrefix+"step-000001", name)
		want = append(want, "create "+file, "sync "+file)
	}
	want = append([]string{"mkdir checkpoints/.tmp-step-000001"}, want...)
	want = append(want, "sync checkpoints/.tmp-step-000001", "rename checkpoints/.old-step-000001",
		"rename checkpoints/step-000001", "sync checkpoints")
	if len(log) < len(want) || !slices.Equal(log[:len(want)], want) {
		t.Errorf("operations:\n%s\nwant:\n%s", strings.Join(log, "\n"), strings.Join(want, "\n"))
	}
}

const trainerEnv = "DMTRAIN_TEST_TRAIN_IN"

func TestMain(m *testing.M) {
	if dir := os.Getenv(trainerEnv); dir != "" {
		if err := train(disk{}, dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

const trainSteps = 600

// train goes on with the run in dir to its end, as the process that is to be killed.
func train(d disk, dir string) error {
	r, err := startRun(d, dir, false)
	if errors.Is(err, ErrRunExists) {
		r, err = resumeRun(d, dir)
	}
	if err != nil {
		return err
	}
	step := 0
	s, err := r.Load("last")
	switch {
	case err == nil:
		step = s.State.Step
		s.Close()
	case !errors.Is(err, ErrNoCheckpoint):
		return err
	}
	for step++; step <= trainSteps; step++ {
		if _, err := r.Save(checkpointAt(step, &Best{Step: step / 7 * 7, Loss: 1})); err != nil {
			return err
		}
		if err := r.Prune(2); err != nil {
			return err
		}
	}
	return r.Close()
}

// TestKilledAtRandomMoments kills a training process with SIGKILL again and again: its lock goes with
// it, nothing saved is lost, and in the end the run is complete.
func TestKilledAtRandomMoments(t *testing.T) {
	dir := filepath.Join(memoryDir(t), "run")
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	draw := rand.New(rand.NewPCG(seed, 0))
	const kills, floor = 12, 8
	reached, struck := 0, 0
	for range kills {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), trainerEnv+"="+dir)
		var stderr strings.Builder
		cmd.Stderr = &stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(5+draw.IntN(40)) * time.Millisecond)
		if err := cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
			t.Fatal(err)
		}
		if cmd.Wait(); stderr.Len() > 0 {
			t.Fatalf("the trainer failed: %s", stderr.String())
		}
		if !cmd.ProcessState.Success() {
			struck++
		}
		r, err := ViewRun(dir)
		if errors.Is(err, ErrNoRun) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		steps, err := r.Steps()
		if err != nil {
			t.Fatal(err)
		}
		if len(steps) == 0 {
			if reached > 0 {
				t.Fatal("all checkpoints are gone")
			}
			continue
		}
		for _, step := range steps {
			expect(t, r.StepDir(step), step)
		}
		last := steps[len(steps)-1]
		if last < reached {
			t.Fatalf("at step %d after having been at %d", last, reached)
		}
		if best := last / 7 * 7; best > 0 && !slices.Contains(steps, best) {
			t.Errorf("at step %d the best, %d, is gone: %v", last, best, steps)
		}
		reached = last
	}
	t.Logf("struck %d times, reached step %d", struck, reached)
	if struck < floor {
		t.Errorf("%d of %d kills struck a living process", struck, kills)
	}
	if err := train(disk{sync: unsynced}, dir); err != nil {
		t.Fatal(err)
	}
	expect(t, filepath.Join(dir, "last"), trainSteps)
	expect(t, filepath.Join(dir, "best"), trainSteps/7*7)
	if names := leftovers(t, dir); len(names) > 0 {
		t.Errorf("left over: %v", names)
	}
}

// A crash between creating a run's directory and writing its configuration leaves no run: a new one can begin there.
func TestCrashBeforeTheConfiguration(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	for range 2 {
		r, err := startRun(disk{}, dir, false)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := ResumeRun(dir); !errors.Is(err, ErrNoRun) {
			t.Errorf("resuming: %v", err)
		}
	}
	r, err := startRun(disk{}, dir, false)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(r.WriteFile(ConfigFile, []byte("device: cpu\n")), r.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := startRun(disk{}, dir, false); !errors.Is(err, ErrRunExists) {
		t.Errorf("beginning over a configuration: %v", err)
	}
}
