package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"dmtrain/internal/gpu"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"dmtrain": main})
}

// TestScripts runs the command lines in testdata/script as a user would.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Condition:           condition,
		Setup:               knowDriver,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":   exits,
			"damage":  damage,
			"roughen": roughen,
			"publish": publish,
			"same":    same,
		},
	})
}

// driverVar names another library than the NVIDIA driver's.
const driverVar = "DMTRAIN_LIBCUDA"

// condition: [gpu] where the program finds one, emulated or not; [emulated-driver] where it takes an emulated
// driver for a real one.
func condition(name string) (bool, error) {
	switch name {
	case "gpu":
		devices, err := gpu.Devices()
		if there := err == nil && len(devices) > 0; there || !emulated() {
			return there, nil
		}
		return false, fmt.Errorf("the emulated device does not open: %v", err)
	case "emulated-driver":
		return gpu.DriverName == gpu.CUDA && emulated(), nil
	}
	return false, fmt.Errorf("no condition %q", name)
}

// emulated says that there must be a device, because it is emulated.
func emulated() bool {
	return gpu.DriverName == gpu.Emulation || strings.Contains(os.Getenv(driverVar), "emulated")
}

// knowDriver hands the driver's library on to programs.
func knowDriver(env *testscript.Env) error {
	env.Setenv(driverVar, os.Getenv(driverVar))
	return nil
}

// exits runs a program that must end with a code: exits 2 dmtrain ….
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits code program [args]")
	}
	var code *exec.ExitError
	switch err := ts.Exec(args[1], args[2:]...); {
	case errors.As(err, &code) && strconv.Itoa(code.ExitCode()) == args[0]:
	case errors.As(err, &code):
		ts.Fatalf("exit code %d, want %s", code.ExitCode(), args[0])
	default:
		ts.Fatalf("ended with %v, want exit code %s", err, args[0])
	}
}

// damage flips a bit in the middle of a file.
func damage(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: damage file")
	}
	path := ts.MkAbs(args[0])
	data, err := os.ReadFile(path)
	ts.Check(err)
	data[len(data)/2] ^= 1
	ts.Check(os.WriteFile(path, data, 0o644))
}

// publish lays a checkpoint of a byte pair model out as GPT-2 is published.
func publish(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: publish checkpoint directory")
	}
	from, to := ts.MkAbs(args[0]), ts.MkAbs(args[1])
	read := func(name string) []byte {
		b, err := os.ReadFile(filepath.Join(from, name))
		ts.Check(err)
		return b
	}
	write := func(name string, b []byte) { ts.Check(os.WriteFile(filepath.Join(to, name), b, 0o644)) }
	ts.Check(os.MkdirAll(to, 0o755))
	var file, model map[string]json.RawMessage
	ts.Check(json.Unmarshal(read("tokenizer.json"), &file))
	ts.Check(json.Unmarshal(file["model"], &model))
	var vocab map[string]int
	ts.Check(json.Unmarshal(model["vocab"], &vocab))
	var lines []string
	ts.Check(json.Unmarshal(model["merges"], &lines))
	end := len(vocab)
	vocab["<|endoftext|>"] = end
	encode := func(v any) []byte {
		b, err := json.Marshal(v)
		ts.Check(err)
		return b
	}
	model["vocab"], model["unk_token"], model["end_of_word_suffix"] = encode(vocab), encode(""), encode("")
	delete(model, "type")
	file["model"], file["post_processor"] = encode(model),
		[]byte(`{"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": false}`)
	file["added_tokens"] = fmt.Appendf(nil,
		`[{"id": %d, "special": true, "content": "<|endoftext|>", "single_word": false, "lstrip": false, "rstrip": `+
			`false, "normalized": true}]`, end)
	write("config.json", read("config.json"))
	write("model.safetensors", read("model.safetensors"))
	write("tokenizer.json", encode(file))
	write("tokenizer_config.json", []byte(`{"model_max_length": 1024}`))
	write("generation_config.json",
		fmt.Appendf(nil, `{"_from_model_config": true, "bos_token_id": %d, "eos_token_id": %d, `+
			`"transformers_version": "4.26.0"}`, end, end))
	write("special_tokens_map.json",
		[]byte(`{"bos_token": "<|endoftext|>", "eos_token": "<|endoftext|>", "unk_token": "<|endoftext|>"}`))
	write("vocab.json", encode(vocab))
	write("merges.txt", []byte("#version: 0.2\n"+strings.Join(lines, "\n")+"\n"))
}

// same compares a number in two files of JSON.
func same(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: same key file file")
	}
	var of [2]map[string]any
	for i := range of {
		ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[i+1])), &of[i]))
	}
	if a, b := of[0][args[0]], of[1][args[0]]; a == nil || a != b {
		ts.Fatalf("%s is %v and %v", args[0], a, b)
	}
}

// roughen puts bytes that are not UTF-8 in place of <bytes>, 10,000 words in place of <words>, a byte order mark in
// place of <mark>, a NUL byte in place of <nul> and Latin-1's ü in place of <latin>.
func roughen(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: roughen file...")
	}
	rough := strings.NewReplacer("<bytes>", "\xff\xc3", "<words>", strings.Repeat("word ", 10_000), "<mark>", "\uFEFF",
		"<nul>", "\x00", "<latin>", "\xfc")
	for _, arg := range args {
		path := ts.MkAbs(arg)
		data, err := os.ReadFile(path)
		ts.Check(err)
		ts.Check(os.WriteFile(path, []byte(rough.Replace(string(data))), 0o644))
	}
}

// TestHelpIsComplete: every command has an example, and every flag is explained and shown in one.
func TestHelpIsComplete(t *testing.T) {
	var started bool
	for _, c := range newRoot(&started).Commands() {
		testHelp(t, c)
	}
}

func testHelp(t *testing.T, c *cobra.Command) {
	if c.Short == "" || c.Example == "" {
		t.Errorf("%s lacks a description or an example", c.CommandPath())
	}
	c.LocalFlags().VisitAll(func(f *pflag.Flag) {
		if f.Usage == "" {
			t.Errorf("%s --%s is not explained", c.CommandPath(), f.Name)
		}
		if !shows(c, f) {
			t.Errorf("no example of %s shows --%s", c.CommandPath(), f.Name)
		}
	})
	for _, sub := range c.Commands() {
		testHelp(t, sub)
	}
}

func shows(c *cobra.Command, f *pflag.Flag) bool {
	for line := range strings.Lines(c.Example) {
		if words := strings.Fields(line); slices.Contains(words, "--"+f.Name) {
			return true
		}
	}
	return false
}
