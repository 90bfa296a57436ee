package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dmtrain/internal/config"
)

func TestRefusesFilesNamedByMistake(t *testing.T) {
	big := filepath.Join(t.TempDir(), "model.safetensors")
	if err := os.WriteFile(big, make([]byte, 2<<20), 0o644); err != nil {
		t.Fatal(err)
	}
	names := []string{big}
	if _, err := os.Stat("/dev/zero"); err == nil { // has no end
		names = append(names, "/dev/zero")
	}
	for _, name := range names {
		_, err := config.Read(name)
		if bad := (*config.Invalid)(nil); !errors.As(err, &bad) ||
			!strings.Contains(err.Error(), name+": is not a configuration: it has more than 1024 KiB") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A key with a dot would set what its section sets too, and which of the two counts would be anyone's guess.
func TestRefusesKeysWithDots(t *testing.T) {
	for text, want := range map[string]string{
		"train.steps: 5": `x.yaml:1: train.steps: is written with a dot: in a file, sections ` +
			`hold their keys, as "train: {steps: …}"`,
		"data: {tokenizer.kind: char}": `x.yaml:1: data.tokenizer.kind: is written with a dot: in a file, ` +
			`sections hold their keys, as "tokenizer: {kind: …}"`,
		"data.tokenizer: {kind: char}":      `as "data: {tokenizer: …}"`,
		"mask.schedule.from: 0":             `as "mask: {schedule: {from: …}}"`,
		"train.steps: 5\ntrain: {steps: 3}": `is written with a dot`,
	} {
		if _, err := parse(t, text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, not %q", text, err, want)
		}
	}
}

func TestListsAsKeysAreSaidWithoutGo(t *testing.T) {
	for _, text := range []string{"[a, b]: 2", "{a: b}: 2"} {
		_, err := config.Parse("x.yaml", []byte(text))
		if err == nil || strings.Contains(err.Error(), "interface") ||
			!strings.HasPrefix(err.Error(), "x.yaml: a list or a section stands where a key must be") {
			t.Errorf("%q: %v", text, err)
		}
	}
}
