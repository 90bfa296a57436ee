//go:build linux && amd64 && !purego

package main

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/cpu"
)

// plant begins a kernel with other instructions.
func plant(t *testing.T, assembly, kernel, code string) string {
	t.Helper()
	head := strings.Index(assembly, "TEXT ·"+kernel+"(SB)")
	if head < 0 {
		t.Fatalf("there is no kernel %s", kernel)
	}
	line := head + strings.Index(assembly[head:], "\n") + 1
	return assembly[:line] + code + assembly[line:]
}

// buildFaulty builds the program with two faulty kernels: one that every step needs begins with an illegal
// instruction, one of attention with a load from nowhere.
func buildFaulty(t *testing.T, dir string) string {
	t.Helper()
	const source = "../../internal/kernels/cpu/asm/avx2_amd64.s"
	path, err := filepath.Abs(source)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	faulty := plant(t, string(text), "LayerNormAVX2", "\tUNDEF\n")
	faulty = plant(t, faulty, "SoftmaxStepAVX2", "\tMOVQ $0x123456789000, AX\n\tMOVQ (AX), AX\n")
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": {path: filepath.Join(dir, "faulty.s")}})
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"faulty.s": []byte(faulty), "overlay.json": overlay} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	program := filepath.Join(dir, "faulty")
	if out, err := exec.Command("go", "build", "-overlay", filepath.Join(dir, "overlay.json"), "-o", program,
		".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return program
}

// A fault in a kernel ends every command in one line that names the kernel, its path and the way on; nothing of the
// machine is dumped.
func TestAFaultInAKernelIsOneLine(t *testing.T) {
	if !cpu.X86.HasAVX2 || !cpu.X86.HasFMA || !cpu.X86.HasBMI2 {
		t.Skip("this processor can't run the kernels of the avx2 path")
	}
	dir := t.TempDir()
	program := buildFaulty(t, dir)
	config := filepath.Join(dir, "tiny.yaml")
	if err := os.WriteFile(config, []byte(tinyRun), 0o600); err != nil {
		t.Fatal(err)
	}
	const illegal, address = "LayerNormAVX2 of the CPU's avx2 path has an instruction",
		"SoftmaxStepAVX2 of the CPU's avx2 path went to an address"
	for _, c := range []struct{ args, threads, want string }{
		{"train --device cpu --config tiny.yaml", "1", illegal},
		{"train --device cpu --overwrite --config tiny.yaml", "4", illegal},
		{"bench --attention --device cpu --lengths 64 --steps 1", "1", address},
		{"bench --attention --device cpu --lengths 64 --steps 1", "4", address},
		{"compare --device cpu --config tiny.yaml --arms static,adaptive --seeds 2 --jobs 2 --out cmp", "2", illegal},
	} {
		cmd := exec.Command(program, strings.Fields(c.args)...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "DMTRAIN_CPU=avx2", "GOMAXPROCS="+c.threads)
		var stderr strings.Builder
		cmd.Stderr = &stderr
		err := cmd.Run()
		lines := strings.Split(strings.TrimSpace(stderr.String()), "\n")
		last := lines[len(lines)-1]
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != exitFailed {
			t.Errorf("%s on %s threads: %v, want exit code 1", c.args, c.threads, err)
		}
		if !strings.HasPrefix(last, "dmtrain: ") || !strings.Contains(last, c.want) ||
			!strings.Contains(last, "DMTRAIN_CPU=generic") || strings.Contains(stderr.String(), "goroutine ") {
			t.Errorf("%s on %s threads:\n%s", c.args, c.threads, &stderr)
		}
	}
	cmd := exec.Command(program, "doctor")
	cmd.Env = append(os.Environ(), "DMTRAIN_CPU=avx2")
	if out, err := cmd.Output(); err == nil || !strings.Contains(string(out), illegal) ||
		!strings.Contains(string(out), address) {
		t.Errorf("doctor: %v\n%s", err, out)
	}
}
