package checkpoint

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSaveAndLoad(t *testing.T) {
	r := newRun(t)
	c := checkpointAt(7, &Best{Step: 7, Loss: 1.25})
	dir, err := r.Save(c)
	if err != nil {
		t.Fatal(err)
	}
	if want := filepath.Join(r.Dir, "checkpoints", "step-000007"); dir != want {
		t.Errorf("saved in %s, want %s", dir, want)
	}
	expect(t, dir, 7)
	s, err := r.Load("last")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	c.State.Format = stateFormat
	var mask struct{ U float64 }
	if err := json.Unmarshal(s.State.Mask, &mask); err != nil || mask.U != 0.5 {
		t.Errorf("mask state %s", s.State.Mask)
	}
	s.State.Mask, c.State.Mask = nil, nil
	if diff := cmp.Diff(c.State, s.State); diff != "" {
		t.Error(diff)
	}
	var config GPT2Config
	if err := json.Unmarshal(s.Config, &config); err != nil || config != small {
		t.Errorf("config %+v, %v", config, err)
	}
	shape, err := s.Shape()
	if err != nil || shape.Vocab != small.Vocab || shape.Context != small.Context || shape.Dim != small.Dim ||
		shape.Encoder {
		t.Errorf("shape %+v, %v", shape, err)
	}
	if text, err := fs.ReadFile(s.Files(), "tokenizer.json"); err != nil || string(text) != `{"step":7}` {
		t.Errorf("tokenizer %s, %v", text, err)
	}
	if s.Params.Metadata()["format"] != "pt" {
		t.Error("transformers refuses model.safetensors without the metadata format: pt")
	}
}

func TestEqualCheckpointsAreEqualFiles(t *testing.T) {
	a, b := newRun(t), newRun(t)
	save(t, a, 3, nil)
	save(t, b, 3, nil)
	entries, err := os.ReadDir(a.StepDir(3))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if string(slurp(t, filepath.Join(a.StepDir(3), e.Name()))) != string(slurp(t,
			filepath.Join(b.StepDir(3), e.Name()))) {
			t.Errorf("%s differs", e.Name())
		}
	}
}

func TestFind(t *testing.T) {
	r := newRun(t)
	if _, err := r.Find("last"); !errors.Is(err, ErrNoCheckpoint) {
		t.Errorf("empty run: %v", err)
	}
	save(t, r, 100, nil)
	if _, err := r.Find("best"); err == nil || !strings.Contains(err.Error(), "no evaluation") {
		t.Errorf("best without evaluation: %v", err)
	}
	save(t, r, 200, &Best{Step: 200, Loss: 2})
	save(t, r, 1000000, &Best{Step: 200, Loss: 2})
	for which, want := range map[string]int{"last": 1000000, "best": 200, "100": 100, "step-000200": 200} {
		if dir, err := r.Find(which); err != nil || dir != r.StepDir(want) {
			t.Errorf("%s: %s, %v", which, dir, err)
		}
	}
	for which, want := range map[string]string{
		"150": "no checkpoint of step 150; there are 100 200 1000000", "-1": "not a checkpoint",
		"newest": "not a checkpoint", "": "not a checkpoint",
	} {
		if _, err := r.Find(which); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", which, err, want)
		}
	}
	for link, want := range map[string]int{"last": 1000000, "best": 200} {
		expect(t, r.Path(link), want)
	}
}

func TestStepNames(t *testing.T) {
	for name, want := range map[string]int{
		"step-000000": 0, "step-000100": 100, "step-1234567": 1234567,
		"step-100": -1, "step-0000100": -1, "step--00001": -1, "step-+00001": -1, "step-": -1, "100": -1,
		".tmp-step-000100": -1, "aside-step-000100": -1,
	} {
		if got, ok := stepOf(name); ok != (want >= 0) || ok && got != want {
			t.Errorf("%s: %d, %v", name, got, ok)
		}
	}
}

func TestSavingAStepAgainReplacesIt(t *testing.T) {
	r := newRun(t)
	save(t, r, 10, nil)
	before := slurp(t, filepath.Join(r.StepDir(10), stateName))
	save(t, r, 10, &Best{Step: 10, Loss: 1})
	if string(before) == string(slurp(t, filepath.Join(r.StepDir(10), stateName))) {
		t.Error("the older checkpoint stayed")
	}
	expect(t, r.StepDir(10), 10)
	if names := leftovers(t, r.Dir); len(names) > 0 {
		t.Errorf("left over: %v", names)
	}
}

// leftovers are names that only a crash should leave.
func leftovers(t testing.TB, dir string) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if strings.HasPrefix(e.Name(), ".") && e.Name() != lockFile {
			names = append(names, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestPruneKeepsTheNewestAndTheBest(t *testing.T) {
	best := &Best{Step: 20, Loss: 1}
	for keep, want := range map[int][]int{
		0: {10, 20, 30, 40, 50},
		1: {20, 50},
		3: {20, 30, 40, 50},
		4: {20, 30, 40, 50},
		9: {10, 20, 30, 40, 50},
	} {
		r := newRun(t)
		for step := 10; step <= 50; step += 10 {
			if step < 20 {
				save(t, r, step, nil)
			} else {
				save(t, r, step, best)
			}
		}
		if err := r.Prune(keep); err != nil {
			t.Fatal(err)
		}
		if got, err := r.Steps(); err != nil || !slices.Equal(got, want) {
			t.Errorf("keep %d: %v, want %v (%v)", keep, got, want, err)
		}
		expect(t, r.Path("best"), 20)
		if names := leftovers(t, r.Dir); len(names) > 0 {
			t.Errorf("left over: %v", names)
		}
	}
}

func TestPruneDeletesNothingWhenTheBestIsUnknown(t *testing.T) {
	r := newRun(t)
	for step := range 4 {
		save(t, r, step, &Best{Step: 1, Loss: 1})
	}
	write(t, filepath.Join(r.StepDir(3), stateName), []byte("{}"))
	if err := r.Prune(1); err == nil || !strings.Contains(err.Error(), "step-000003") {
		t.Errorf("error %v", err)
	}
	if steps, err := r.Steps(); err != nil || len(steps) != 4 {
		t.Errorf("steps left: %v, %v", steps, err)
	}
}

func TestRewindSetsNewerCheckpointsAside(t *testing.T) {
	r := newRun(t)
	for n := 1; n <= 2; n++ {
		for step := 1; step <= 3; step++ {
			save(t, r, step, &Best{Step: step, Loss: 1 / float64(step)})
		}
		if err := r.Rewind(1); err != nil {
			t.Fatal(err)
		}
		if last, err := r.Last(); err != nil || last != 1 {
			t.Errorf("last %d, %v", last, err)
		}
		expect(t, r.Path("last"), 1)
		expect(t, r.Path("best"), 1)
	}
	for name, step := range map[string]int{
		"aside-step-000002":   2,
		"aside-step-000003":   3,
		"aside-step-000002-2": 2,
		"aside-step-000003-2": 3,
	} {
		expect(t, filepath.Join(r.Path(stepsDir), name), step)
	}
}

func TestOpeningRuns(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "run")
	for name, open := range map[string]func(string) (*Run, error){"resume": ResumeRun, "view": ViewRun} {
		if _, err := open(dir); !errors.Is(err, ErrNoRun) || !strings.Contains(err.Error(), dir) {
			t.Errorf("%s of nothing: %v", name, err)
		}
	}
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Error("looking for a run made a directory")
	}
	r, err := startRun(disk{}, dir, false)
	if err != nil {
		t.Fatal(err)
	}
	save(t, r, 5, &Best{Step: 5, Loss: 1})
	for name, open := range map[string]func() (*Run, error){
		"resume":    func() (*Run, error) { return ResumeRun(dir) },
		"overwrite": func() (*Run, error) { return startRun(disk{}, dir, true) },
	} {
		if _, err := open(); !errors.Is(err, ErrRunBusy) || !strings.Contains(err.Error(), "process") {
			t.Errorf("%s of a run in use: %v", name, err)
		}
	}
	v, err := ViewRun(dir)
	if err != nil {
		t.Fatal(err)
	}
	if found, err := v.Find("best"); err != nil || found != r.StepDir(5) {
		t.Errorf("viewer found %s, %v", found, err)
	}
	if err := errors.Join(v.Close(), r.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := startRun(disk{}, dir, false); !errors.Is(err, ErrRunExists) {
		t.Errorf("create over a run: %v", err)
	}
	if r, err = ResumeRun(dir); err != nil {
		t.Fatal(err)
	}
	if last, err := r.Last(); err != nil || last != 5 {
		t.Errorf("resumed at %d, %v", last, err)
	}
	r.Close()
}

func TestOverwriteDiscardsTheRunAndNothingElse(t *testing.T) {
	r := newRun(t)
	save(t, r, 5, &Best{Step: 5, Loss: 1})
	if err := errors.Join(r.WriteFile(ConfigFile, []byte("a: 1\n")),
		r.WriteFile(MetricsFile, []byte("{}\n"))); err != nil {
		t.Fatal(err)
	}
	write(t, r.Path("notes.txt"), []byte("mine"))
	r.Close()
	again, err := startRun(disk{}, r.Dir, true)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	var left []string
	entries, err := os.ReadDir(r.Dir)
	for _, e := range entries {
		left = append(left, e.Name())
	}
	if want := []string{lockFile, stepsDir, "notes.txt"}; err != nil || !slices.Equal(left, want) {
		t.Errorf("left: %v, want %v (%v)", left, want, err)
	}
	if _, err := again.Last(); !errors.Is(err, ErrNoCheckpoint) {
		t.Errorf("last: %v", err)
	}
}

// A run that was copied with its links followed has directories in their place; they are links again once it is
// resumed.
func TestCopiedRunIsPointedAnew(t *testing.T) {
	r := newRun(t)
	save(t, r, 1, &Best{Step: 1, Loss: 2})
	copied := filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(copied, os.DirFS(r.Dir)); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{bestLink, lastLink} {
		if err := os.RemoveAll(filepath.Join(copied, name)); err != nil {
			t.Fatal(err)
		}
		if err := os.CopyFS(filepath.Join(copied, name), os.DirFS(r.StepDir(1))); err != nil {
			t.Fatal(err)
		}
	}
	c, err := ResumeRun(copied)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	save(t, c, 2, &Best{Step: 2, Loss: 1})
	for _, name := range []string{bestLink, lastLink} {
		s, err := LoadModel(c.Path(name))
		if err != nil {
			t.Fatal(err)
		}
		s.Close()
		if s.State.Step != 2 {
			t.Errorf("%s is of step %d", name, s.State.Step)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(copied, ".t*")); left != nil {
		t.Errorf("%v is left", left)
	}
}
