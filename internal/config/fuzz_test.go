package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"dmtrain/internal/config"
)

// FuzzParse: any text is either refused with problems or means a configuration that survives being written.
func FuzzParse(f *testing.F) {
	shipped, _ := filepath.Glob("../../configs/*.yaml")
	for _, path := range shipped {
		if text, err := os.ReadFile(path); err == nil {
			f.Add(text)
		}
	}
	for _, text := range []string{"", "---", "a: &a [*a]", "train: {<<: [1]}", "train: {lr: 1e400}", "? [x]\n: 1",
		"model: {1: 2}", "data: {train: 2001-01-01}", "train: !!binary x", "run: {seed: 0xffffffffffffffff}",
		"train: {betas: [[1], {}]}"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var bad *config.Invalid
		file, err := config.Parse("x.yaml", text)
		if err != nil {
			if !errors.As(err, &bad) || len(bad.Problems) == 0 || err.Error() == "" {
				t.Fatalf("refused without a problem: %v", err)
			}
			return
		}
		c := config.Default()
		problems := append(file.Problems, config.Decode(file.Settings, &c)...)
		for _, p := range append(problems, c.Problems()...) {
			if p.Key == "" || p.Text == "" {
				t.Fatalf("a problem without key or text: %+v", p)
			}
		}
		if _, err := file.Config(); len(problems) > 0 {
			if !errors.As(err, &bad) || len(bad.Problems) < len(problems) {
				t.Fatalf("%d problems became %v", len(problems), err)
			}
			return
		}
		again, err := config.Parse("y.yaml", c.YAML(""))
		if err != nil {
			t.Fatal(err)
		}
		back := config.Default()
		if problems := config.Decode(again.Settings, &back); len(problems)+len(again.Problems) > 0 {
			t.Fatal(again.Problems, problems)
		}
		if d := cmp.Diff(c, back, cmpopts.EquateNaNs(), cmpopts.EquateEmpty()); d != "" {
			t.Fatal(d)
		}
	})
}
