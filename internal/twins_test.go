package internal_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// The emulated device has copies of the kernels' sources beside it, so that Go compiles anew when one changes.
func TestEmulatedKernelsAreTheKernels(t *testing.T) {
	sources, err := filepath.Glob("../kernels/*.cu*")
	if err != nil || len(sources) < 10 {
		t.Fatalf("%d kernels (%v)", len(sources), err)
	}
	for _, source := range sources {
		want, err := os.ReadFile(source)
		if err != nil {
			t.Fatal(err)
		}
		twin := filepath.Join("gpu", "emulator", filepath.Base(source)+".h")
		if got, err := os.ReadFile(twin); err != nil || !bytes.Equal(got, want) {
			t.Errorf("internal/%s is not what %s is now (%v): copy it there", twin, source, err)
		}
	}
}
