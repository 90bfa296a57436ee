package checkpoint

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestDamageIsNamedAndAnotherOffered(t *testing.T) {
	for _, name := range []string{modelName, optimizerName, configName, stateName, manifestName, "tokenizer.json"} {
		for how, change := range map[string]func([]byte) []byte{
			"torn":     func(b []byte) []byte { return b[:len(b)/2] },
			"emptied":  func([]byte) []byte { return nil },
			"altered":  func(b []byte) []byte { b[len(b)/2] ^= 1; return b },
			"appended": func(b []byte) []byte { return append(b, '}') },
			"missing":  nil,
		} {
			t.Run(name+" "+how, func(t *testing.T) {
				r := newRun(t)
				for step := 1; step <= 3; step++ {
					save(t, r, step, nil)
				}
				path := filepath.Join(r.StepDir(3), name)
				if change == nil {
					if err := os.Remove(path); err != nil {
						t.Fatal(err)
					}
				} else {
					write(t, path, change(slurp(t, path)))
				}
				_, err := r.Load("last")
				var damaged *DamagedError
				if !errors.As(err, &damaged) {
					t.Fatalf("error %v is no DamagedError", err)
				}
				if damaged.Dir != r.StepDir(3) || damaged.Intact != r.StepDir(2) {
					t.Errorf("%+v", damaged)
				}
				if how != "altered" || name != manifestName { // which may name any file
					if !strings.Contains(err.Error(), name) {
						t.Errorf("error %q does not name %s", err, name)
					}
				}
				if !strings.Contains(err.Error(), r.StepDir(2)) {
					t.Errorf("error %q does not offer step 2", err)
				}
				s, err := r.LoadModel("last")
				if err == nil {
					s.Close()
				}
				if name != manifestName && errors.As(err, &damaged) == (name == optimizerName) {
					t.Errorf("LoadModel: %v", err)
				}
				expect(t, r.StepDir(2), 2)
			})
		}
	}
}

func TestTheOfferIsItselfVerified(t *testing.T) {
	r := newRun(t)
	for step := 1; step <= 4; step++ {
		save(t, r, step, nil)
	}
	for _, step := range []int{2, 3} {
		write(t, filepath.Join(r.StepDir(step), modelName), []byte("?"))
	}
	for which, want := range map[string]string{"3": r.StepDir(1), "2": r.StepDir(1)} {
		var damaged *DamagedError
		if _, err := r.Load(which); !errors.As(err, &damaged) || damaged.Intact != want {
			t.Errorf("%s: %v", which, err)
		}
	}
	write(t, filepath.Join(r.StepDir(1), modelName), []byte("?"))
	var damaged *DamagedError
	if _, err := r.Load("2"); !errors.As(err, &damaged) || damaged.Intact != r.StepDir(4) {
		t.Errorf("no older one is left: %v", err)
	}
	write(t, filepath.Join(r.StepDir(4), modelName), []byte("?"))
	if _, err := r.Load("2"); !errors.As(err, &damaged) || damaged.Intact != "" {
		t.Errorf("none is left: %v", err)
	}
}

func TestAStateThatJSONCannotHoldIsAnErrorAndSavesNothing(t *testing.T) {
	r := newRun(t)
	if _, err := r.Save(checkpointAt(1, &Best{Step: 1, Loss: math.NaN()})); err == nil ||
		!strings.Contains(err.Error(), stateName) {
		t.Errorf("error %v", err)
	}
	if steps, err := r.Steps(); err != nil || len(steps) != 0 {
		t.Errorf("steps %v, %v", steps, err)
	}
	if names := leftovers(t, r.Dir); len(names) > 0 {
		t.Errorf("left over: %v", names)
	}
}

func TestAnotherFormatOfStateIsNotCalledDamage(t *testing.T) {
	_, err := decodeState([]byte(`{"format":2}`))
	if err == nil || !strings.Contains(err.Error(), "format 2") || errors.As(err, new(damage)) {
		t.Errorf("error %v", err)
	}
}

// Whatever one does to a checkpoint's files, Load fails or gives what was saved.
func TestLoadNeverGivesAnotherCheckpoint(t *testing.T) {
	r := newRun(t)
	dir := save(t, r, 9, nil)
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(rt *rapid.T) {
		path := filepath.Join(dir, rapid.SampledFrom(entries).Draw(rt, "file").Name())
		before := slurp(t, path)
		defer write(t, path, before)
		at := rapid.IntRange(0, len(before)-1).Draw(rt, "at")
		cut := rapid.IntRange(0, len(before)-at).Draw(rt, "cut")
		put := rapid.SliceOfN(rapid.Byte(), 0, 8).Draw(rt, "put")
		write(t, path, slices.Concat(before[:at], put, before[at+cut:]))
		s, err := Load(dir)
		var damaged *DamagedError
		if err != nil && !errors.As(err, &damaged) {
			rt.Fatalf("error %v is no DamagedError", err)
		}
		if err == nil {
			s.Close()
			expect(t, dir, 9)
		}
	})
}
