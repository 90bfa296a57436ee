package train

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dmtrain/internal/checkpoint"
	"dmtrain/internal/config"
	"dmtrain/internal/data"
	"dmtrain/internal/saved"
	"dmtrain/internal/task"
	"dmtrain/internal/task/fixture"
	"dmtrain/internal/task/tasks"
	"dmtrain/internal/tokenizer"
)

// oldRun makes a run with the state of older programs, which made the tokenizer from all of the text and did not record
// where they split it. Which tokens it trains on does not matter here.
func oldRun(t *testing.T, c config.Config) (valid *data.Set) {
	t.Helper()
	before, err := data.Open(c.Data, data.Options{AfterTokens: true})
	if err != nil {
		t.Fatal(err)
	}
	s := &session{
		Options: quiet(c, Options{Until: 4}),
		ctx:     t.Context(),
		evaled:  -1,
		saved:   -1,
	}
	if err := s.assemble(before.Tokenizer, nil); err != nil {
		t.Fatal(err)
	}
	s.text.Identity = task.Identity{Train: before.Train.Checksum(), Valid: before.Valid.Checksum()}
	if s.run, err = checkpoint.ClaimRun(c.Run.Dir, false); err != nil {
		t.Fatal(err)
	}
	if err := s.train(); err != nil {
		t.Fatal(err)
	}
	if err := s.close(); err != nil {
		t.Fatal(err)
	}
	return before
}

// learnt is a vocabulary learnt on other text.
func learnt(t *testing.T) string {
	t.Helper()
	tok, err := tokenizer.Train(280,
		strings.NewReader(strings.Repeat("the cat sat on the mat and the dog lay by the log\n", 9)))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "tokenizer.json")
	if err := os.WriteFile(path, tok.Files()["tokenizer.json"], 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestRunsOfProgramsThatSplitTokens(t *testing.T) {
	for _, x := range []struct {
		name      string
		tokenizer tokenizer.Config
		end       string // of the text
		refused   string // why; empty: the run goes on
	}{
		{"bytes", tokenizer.Config{Kind: "byte"}, "", ""},
		{"characters", tokenizer.Config{Kind: "char"}, "", ""},
		{"characters of which one only validates", tokenizer.Config{Kind: "char"}, "é",
			"made the tokenizer for the validation text too"},
		{"pairs of bytes", tokenizer.Config{Kind: "bpe", Size: 270}, strings.Repeat(" zebra", 30),
			"made the tokenizer for the validation text too"},
		{"a vocabulary from a file", tokenizer.Config{Kind: "bpe", File: learnt(t)}, strings.Repeat("0123456789", 100),
			"split the text by tokens, at token"},
	} {
		t.Run(x.name, func(t *testing.T) {
			c := runConfig(t, fixture.Tiny())
			c.Train.Steps, c.Train.EvalEvery, c.Train.SaveEvery = 6, 2, 2
			f, err := os.OpenFile(c.Data.Train[0], os.O_APPEND|os.O_WRONLY, 0)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := f.WriteString(x.end); err != nil {
				t.Fatal(err)
			}
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
			c.Data.Tokenizer = x.tokenizer
			before := oldRun(t, c)
			r, err := saved.Evaluate(t.Context(), saved.EvalOptions{Ref: saved.Ref{Run: c.Run.Dir, Device: "cpu"}},
				tasks.All())
			if err != nil {
				t.Fatal(err)
			}
			if warned := len(r.Warnings) == 1 &&
				strings.Contains(r.Warnings[0], x.refused); r.Tokens != before.Valid.Targets() ||
				warned != (x.refused != "") {
				t.Errorf("evaluated on %d tokens, not on the %d of its validation text; warnings %q", r.Tokens,
					before.Valid.Targets(), r.Warnings)
			}
			err = Run(t.Context(), quiet(c, Options{Resume: true}))
			switch {
			case x.refused == "" && err != nil:
				t.Error(err)
			case x.refused != "" && (err == nil || !strings.Contains(err.Error(), x.refused) ||
				!strings.Contains(err.Error(), "begin a new run")):
				t.Errorf("resumed: %v", err)
			}
		})
	}
}
