//go:build amd64 && !purego

package asm

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// The checked-in assembly is what its generators write, byte for byte.
func TestGeneratedFilesAreCurrent(t *testing.T) {
	touchGenerator(t)
	dir := t.TempDir()
	for _, generator := range []string{"./gen", "./genarm"} {
		if out, err := exec.Command("go", "run", "-tags", "generate", generator, "-out", dir).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", generator, err, out)
		}
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("the generators wrote nothing (%v)", err)
	}
	for _, file := range files {
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Base(file))
		if err != nil {
			t.Error(err)
			continue
		}
		if string(got) != string(want) {
			t.Errorf("%s is not what its generator writes: run go generate", filepath.Base(file))
		}
	}
}

// The generator refuses instructions that its sets lack. Its own tests have a build tag that go test ./... doesn't set.
func TestGeneratorsCheck(t *testing.T) {
	touchGenerator(t)
	if out, err := exec.Command("go", "test", "-tags", "generate", "-vet=off", "./gen").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// touchGenerator reads the generators' source, so that go test's cache knows that the result depends on it.
func touchGenerator(t *testing.T) {
	t.Helper()
	files, err := filepath.Glob("gen*/*.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("no generator (%v)", err)
	}
	for _, file := range files {
		if _, err := os.ReadFile(file); err != nil {
			t.Fatal(err)
		}
	}
}
