package train

import (
	"math"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"dmtrain/internal/checkpoint"
	"dmtrain/internal/config"
)

// Unfinished runs of an older program resume to the same bits, or nearby on processors that round differently.
func TestRunsOfBeforeGoOn(t *testing.T) {
	tolerance := 0.0
	if runtime.GOARCH != "amd64" {
		tolerance = 1e-4
	}
	for _, name := range []string{"lm", "pairs"} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("XDG_CACHE_HOME", t.TempDir())
			t.Setenv("DMTRAIN_CPU", "generic")
			dir := filepath.Join(t.TempDir(), "run")
			before := filepath.Join("testdata", "before", name)
			if err := os.CopyFS(dir, os.DirFS(before)); err != nil {
				t.Fatal(err)
			}
			text, err := os.ReadFile(filepath.Join(dir, checkpoint.ConfigFile))
			if err != nil {
				t.Fatal(err)
			}
			file, err := config.Parse(checkpoint.ConfigFile, text)
			if err != nil {
				t.Fatal(err)
			}
			c, err := file.Config()
			if err != nil {
				t.Fatal(err)
			}
			c.Run.Dir = dir
			mustRun(t, quiet(c, Options{Resume: true}))
			nearby(t, filepath.Join(dir, "checkpoints", "step-000016", "model.safetensors"), before+".safetensors",
				tolerance)
		})
	}
}

// nearby fails unless two files have the same tensors, up to a tolerance.
func nearby(t *testing.T, got, want string, tolerance float64) {
	t.Helper()
	var files [2]*checkpoint.Tensors
	for i, path := range []string{got, want} {
		f, err := checkpoint.OpenTensors(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		files[i] = f
	}
	if n := len(files[1].Infos()); n == 0 || len(files[0].Infos()) != n {
		t.Fatalf("%d tensors, want %d", len(files[0].Infos()), n)
	}
	for _, info := range files[1].Infos() {
		want, err := files[1].Float32s(info.Name)
		if err != nil {
			t.Fatal(err)
		}
		got, err := files[0].Float32s(info.Name)
		if err != nil || len(got) != len(want) {
			t.Fatalf("%s: %d values, want %d (%v)", info.Name, len(got), len(want), err)
		}
		for i := range want {
			if d := math.Abs(float64(got[i]) - float64(want[i])); !(d <= tolerance) {
				t.Errorf("%s[%d]: %v, want %v", info.Name, i, got[i], want[i])
				break
			}
		}
	}
}
