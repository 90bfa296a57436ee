package kernelstest_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"dmtrain/internal/kernels"
	"dmtrain/internal/kernels/kernelstest"
	"dmtrain/internal/kernels/ref"
)

// planted is a reference with one mistake, and the subtests that must find it.
type planted struct {
	mistake string
	finds   string // as go test's -run has it, below TestWithMistake
	open    func(*ref.Backend) kernels.Backend
}

const mistakeVariable = "KERNELSTEST_MISTAKE"

// TestFindsPlantedMistakes runs this test binary again for each mistake, and wants it to fail.
func TestFindsPlantedMistakes(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the suite some forty times")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range mistakes {
		t.Run(p.mistake, func(t *testing.T) {
			t.Parallel()
			cmd := exec.Command(self, "-test.run=^TestWithMistake$/"+p.finds, "-rapid.nofailfile")
			cmd.Env = append(os.Environ(), mistakeVariable+"="+p.mistake)
			out, err := cmd.CombinedOutput()
			if err == nil {
				t.Fatalf("%s did not find it:\n%s", p.finds, out)
			}
			if first, _, _ := strings.Cut(p.finds, "/"); !strings.Contains(string(out), "--- FAIL: TestWithMistake/"+
				first) {
				t.Fatalf("failed, but not in %s:\n%s", first, out)
			}
			if strings.Contains(string(out), "\ngoroutine ") {
				t.Fatalf("the mistake itself panicked:\n%s", out)
			}
		})
	}
}

// TestWithMistake is the other process.
func TestWithMistake(t *testing.T) {
	name := os.Getenv(mistakeVariable)
	if name == "" {
		t.Skip("run by TestFindsPlantedMistakes")
	}
	for _, p := range mistakes {
		if p.mistake == name {
			traits := []kernelstest.Trait{kernelstest.Allocates}
			if p.finds == "Allocations" {
				traits = nil
			}
			kernelstest.Run(t, func() (kernels.Backend, error) { return p.open(ref.New()), nil }, traits...)
		}
	}
}
