// Package internal_test holds the order of the rooms: ARCHITECTURE.md says who may know whom.
package internal_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// rooms stand from the ground up: a package imports only packages named before it.
var rooms = []string{
	"internal/tensor",
	"internal/rng",
	"internal/batch",
	"internal/files",
	"internal/mask",
	"internal/textio",
	"internal/tokenizer",
	"internal/data",
	"internal/config",
	"internal/kernels",
	"internal/kernels/fixture",
	"internal/kernels/ref",
	"internal/kernels/cpu/trap/planted",
	"internal/kernels/cpu/trap",
	"internal/kernels/cpu/asm",
	"internal/kernels/cpu/asm/gen",
	"internal/kernels/cpu/asm/genarm",
	"internal/kernels/cpu",
	"internal/gpu/driver",
	"internal/gpu/heap",
	"internal/gpu/nvidia",
	"internal/gpu/emulator",
	"internal/gpu",
	"internal/kernels/cuda",
	"internal/kernels/kernelstest",
	"internal/backend",
	"internal/bench",
	"internal/graph",
	"internal/model",
	"internal/optim",
	"internal/checkpoint",
	"internal/metrics",
	"internal/generate",
	"internal/recipe",
	"internal/task",
	"internal/task/fixture",
	"internal/task/lm",
	"internal/task/pairs",
	"internal/task/tasks",
	"internal/saved",
	"internal/maskcheck",
	"internal/train",
	"internal/canary",
	"internal/compare",
	"internal/doctor",
	"cmd/dmtrain",
	"internal/dist",
}

// Each build tag brings files of its own, with imports of their own.
func TestImportsRunOneWay(t *testing.T) {
	for _, tags := range []string{"", "purego", "cuda", "cudaemu", "generate"} {
		t.Run("tags="+tags, func(t *testing.T) { checkImports(t, tags) })
	}
}

func checkImports(t *testing.T, tags string) {
	cmd := exec.Command("go", "list", "-e", "-tags", tags, "-f", `{{.ImportPath}} {{join .Imports " "}}`, "dmtrain/...")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=1")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %v", cmd, err)
	}
	level := map[string]int{}
	for i, room := range rooms {
		level["dmtrain/"+room] = i + 1
	}
	for _, line := range strings.Split(strings.TrimSpace(string(out)), "\n") {
		pkg, imports, _ := strings.Cut(line, " ")
		if pkg == "dmtrain/internal" {
			continue
		}
		if level[pkg] == 0 {
			t.Errorf("%s is not in the list of rooms: give it a place in ARCHITECTURE.md and here", pkg)
		}
		for _, imp := range strings.Fields(imports) {
			if strings.HasPrefix(imp, "dmtrain/") && level[imp] >= level[pkg] {
				t.Errorf("%s imports %s, which stands above it", pkg, imp)
			}
			if imp == "github.com/spf13/viper" && pkg != "dmtrain/cmd/dmtrain" {
				t.Errorf("%s imports viper, which lives in cmd/dmtrain only", pkg)
			}
		}
	}
}

func TestMaskAndTensorNeedOnlyTheStandardLibrary(t *testing.T) {
	for _, pkg := range []string{"tensor", "rng", "mask"} {
		out, err := exec.Command("go", "list", "-f", `{{join .Imports "\n"}}`, "dmtrain/internal/"+pkg).CombinedOutput()
		if err != nil {
			t.Fatalf("go list: %v\n%s", err, out)
		}
		for _, imp := range strings.Fields(string(out)) {
			if strings.Contains(imp, ".") {
				t.Errorf("internal/%s imports %s", pkg, imp)
			}
		}
	}
}
