package data

import (
	"math"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"dmtrain/internal/tokenizer"
)

// configured is a configuration for files in a directory.
func configured(dir, kind string, seqLen int, train ...string) Config {
	c := DefaultConfig()
	c.Tokenizer.Kind, c.SeqLen = kind, seqLen
	for _, f := range train {
		c.Train = append(c.Train, filepath.Join(dir, f))
	}
	return c
}

func mustOpen(t *testing.T, c Config, o Options) *Set {
	t.Helper()
	if p := c.Problems(); p != nil {
		t.Fatal(p)
	}
	s, err := Open(c, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// text is all of a corpus's tokens decoded.
func text(s *Set, c *Corpus) string {
	ids := make([]int32, c.Len())
	c.file.copy(ids, c.lo)
	return string(s.Tokenizer.Decode(nil, ids))
}

func tokens(c *Corpus) []int32 {
	ids := make([]int32, c.Len())
	c.file.copy(ids, c.lo)
	return ids
}

// One text in one document: the stream is the bare text, the first 90 % of its characters train.
func TestOpenOneDocumentAsNanoGPTDoes(t *testing.T) {
	all := strings.Repeat("To be, or not to be — that is the question.\n", 25)
	dir := write(t, map[string]string{"a.txt": all})
	s := mustOpen(t, configured(dir, "char", 16, "a.txt"), Options{})
	runes := []rune(all)
	cut := int(0.9 * float64(len(runes)))
	if got := text(s, s.Train); got != string(runes[:cut]) {
		t.Errorf("training text of %d characters, want %d", len([]rune(got)), cut)
	}
	if got := text(s, s.Valid); got != string(runes[cut:]) {
		t.Errorf("validation text %q", got)
	}
	if want := distinct(all); s.Tokenizer.Vocab() != want {
		t.Errorf("vocabulary of %d, want the %d characters and no special", s.Tokenizer.Vocab(), want)
	}
	if got, want := s.Valid.Bytes(), len(string(runes[cut+1:])); got != want {
		t.Errorf("%d bytes of validation targets, want %d", got, want)
	}
	if s.UnigramEntropy != s.Train.UnigramEntropy() || s.UnigramEntropy <= 0 ||
		s.UnigramEntropy > math.Log(float64(s.Tokenizer.Vocab())) {
		t.Errorf("unigram entropy %v", s.UnigramEntropy)
	}
}

func distinct(s string) int {
	seen := map[rune]bool{}
	for _, r := range s {
		seen[r] = true
	}
	return len(seen)
}

// Several documents stand each between end-of-text.
func TestOpenMarksDocuments(t *testing.T) {
	dir := write(t, map[string]string{"a.txt": "one--two--\n\n--three", "b.txt": "note"})
	for _, kind := range []string{"byte", "char"} {
		c := configured(dir, kind, 1, "a.txt", "b.txt")
		c.DocumentSeparator, c.ValidFraction = "--", 0.25
		s := mustOpen(t, c, Options{})
		end := s.Tokenizer.Specials().End
		var want []int32
		for _, d := range []string{"one", "two", "three", "note"} {
			ids, _ := s.Tokenizer.Encode([]int32{end}, []byte(d))
			want = append(append(want, ids...), end)
		}
		if got := slices.Concat(tokens(s.Train), tokens(s.Valid)); !slices.Equal(got, want) {
			t.Errorf("%s: stream %v, want %v", kind, got, want)
		}
		if s.Train.Documents() != 3 || s.Valid.Documents() != 1 || text(s, s.Valid) != "note" {
			t.Errorf("%s: %d documents train, %d validate (%q)", kind, s.Train.Documents(), s.Valid.Documents(),
				text(s, s.Valid))
		}
		if s.Valid.Bytes() != 4 || s.Valid.Targets() != 5 {
			t.Errorf("%s: validation has %d bytes and %d targets, want 4 bytes and the end", kind, s.Valid.Bytes(),
				s.Valid.Targets())
		}
	}
}

func TestOpenWithValidationText(t *testing.T) {
	dir := write(t, map[string]string{"train.txt": "abcabcabc", "valid.txt": "abcxyabé"})
	c := configured(dir, "char", 4, "train.txt")
	c.Valid = []string{filepath.Join(dir, "valid.txt")}
	s := mustOpen(t, c, Options{})
	if text(s, s.Train) != "abcabcabc" || text(s, s.Valid) != "abcab" || s.Valid.Unknown() != 3 ||
		s.Train.Unknown() != 0 {
		t.Errorf("train %q, valid %q with %d unknown", text(s, s.Train), text(s, s.Valid), s.Valid.Unknown())
	}
	if want := "data.valid: 3 characters are unknown to the vocabulary and left out"; !slices.Equal(s.Warnings,
		[]string{want}) {
		t.Errorf("warnings %q, want %q", s.Warnings, want)
	}
	c.Valid = append(c.Valid, c.Train...)
	if _, err := Open(c, Options{}); err == nil || !strings.Contains(err.Error(), "train.txt is in data.train too") {
		t.Errorf("text that trains validates: %v", err)
	}
}

// The first bytes train, and the same text validates as without the limit.
func TestOpenTrainsOnTheFirstBytes(t *testing.T) {
	all := strings.Repeat("héllo wörld, ", 40)
	dir := write(t, map[string]string{"a.txt": all, "b.txt": all})
	valid := func(c *Config) { c.Valid = []string{filepath.Join(dir, "b.txt")} }
	for _, kind := range []string{"byte", "char"} {
		for name, edit := range map[string]func(*Config){
			"a fraction validates": func(*Config) {},
			"a file validates":     valid,
		} {
			c := configured(dir, kind, 4, "a.txt")
			edit(&c)
			whole := mustOpen(t, c, Options{})
			for limit, want := range map[int]string{
				0:       text(whole, whole.Train),
				15:      all[:15],
				11:      all[:11],
				1 << 20: text(whole, whole.Train),
			} {
				c.TrainBytes = limit
				s := mustOpen(t, c, Options{})
				if got := text(s, s.Train); got != want {
					t.Errorf("%s, %s, %d bytes: trains on %q, want %q", kind, name, limit, got, want)
				}
				if got := text(s, s.Valid); got != text(whole, whole.Valid) {
					t.Errorf("%s, %s, %d bytes: validates on %q", kind, name, limit, got)
				}
				if warned := len(s.Warnings) > len(whole.Warnings); warned != (limit > len(all)) {
					t.Errorf("%s, %s, %d bytes: warnings %q", kind, name, limit, s.Warnings)
				}
			}
		}
	}
	c := configured(dir, "char", 4, "a.txt")
	c.TrainBytes = 8 // in the middle of the ö
	if s := mustOpen(t, c, Options{}); text(s, s.Train) != "héllo w" {
		t.Errorf("trains on %q", text(s, s.Train))
	}
}

func TestOpenWithAnExistingTokenizer(t *testing.T) {
	tok, err := tokenizer.New(tokenizer.Config{Kind: "byte"}, &tokenizer.Survey{Documents: 2})
	if err != nil {
		t.Fatal(err)
	}
	dir := write(t, map[string]string{"a.txt": strings.Repeat("abc", 30)})
	s := mustOpen(t, configured(dir, "char", 4, "a.txt"), Options{Tokenizer: tok})
	if s.Tokenizer != tok || s.Train.file.token(0) != 256 || s.Train.file.token(1) != 'a' {
		t.Errorf("the tokenizer given is not the one used")
	}
}

func TestOpenErrors(t *testing.T) {
	dir := write(t, map[string]string{
		"short.txt": "only a few words",
		"one.txt":   "x",
		"long.txt":  strings.Repeat("long ", 99),
	})
	with := func(c Config, edit func(*Config)) Config { edit(&c); return c }
	long := configured(dir, "byte", 16, "long.txt")
	for _, c := range []struct {
		name   string
		config Config
		want   string
	}{
		{"shorter than the context", configured(dir, "byte", 128, "short.txt"),
			"data.train: the training text has only 14 tokens: data.seq_len: 128 needs at least 129"},
		{"nothing to split", configured(dir, "byte", 128, "one.txt"),
			"data.valid_fraction: 0.1 of 1 bytes leaves nothing"},
		{"no such file", configured(dir, "byte", 128, "none.txt"), "none.txt: " + syscall.ENOENT.Error()},
		{"no such validation file", with(long, func(c *Config) { c.Valid = []string{"none.txt"} }),
			"data.valid: none.txt: " + syscall.ENOENT.Error()},
		{"validation without a target",
			with(long, func(c *Config) { c.Valid = []string{filepath.Join(dir, "one.txt")} }),
			"data.valid: the text has nothing to predict"},
		{"unknown tokenizer", with(long, func(c *Config) { c.Tokenizer.Kind = "word" }), `data.tokenizer: "word"`},
	} {
		if _, err := Open(c.config, Options{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.name, err, c.want)
		}
	}
}

func TestConfigProblems(t *testing.T) {
	good := DefaultConfig()
	good.Train = []string{"builtin:stories"}
	if p := good.Problems(); p != nil {
		t.Errorf("the default has problems: %q", p)
	}
	for _, c := range []struct {
		edit func(*Config)
		want string
	}{
		{func(c *Config) { c.Train = nil }, "data.train: names no text"},
		{func(c *Config) { c.Train = []string{"a", ""} }, "data.train: an empty name"},
		{func(c *Config) { c.Train = []string{"builtin:poems"} }, "data.train: builtin:poems: no such text"},
		{func(c *Config) { c.Valid = []string{"builtin:stories?mb=-1"} },
			"data.valid: builtin:stories?mb=-1: mb=-1 is not a size"},
		{func(c *Config) { c.Valid = []string{"builtin:stories?mb=0x1p-3"} },
			"data.valid: builtin:stories?mb=0x1p-3: mb=0x1p-3 is not a size"},
		{func(c *Config) { c.Valid = []string{"builtin:stories?seed=010"} },
			"data.valid: builtin:stories?seed=010: seed=010 is not a seed"},
		{func(c *Config) { c.Pairs.Source = []string{"a"} }, "data.pairs.source: is for task seq2seq"},
		{func(c *Config) { c.ValidFraction = 1.5 }, "data.valid_fraction: 1.5 is not a fraction (between 0 and 1)"},
		{func(c *Config) { c.ValidFraction = 0 }, "data.valid_fraction: 0 is not a fraction"},
		{func(c *Config) { c.ValidFraction = math.NaN() }, "data.valid_fraction: NaN is not a fraction"},
		{func(c *Config) { c.TrainBytes = -1 }, "data.train_bytes: -1 is not a number of bytes (0 = all"},
		{func(c *Config) { c.SeqLen = 0 }, "data.seq_len: 0 is not a length"},
		{func(c *Config) { c.Tokenizer.Kind = "" }, `data.tokenizer.kind: "" is not a tokenizer`},
	} {
		config := good
		c.edit(&config)
		if p := config.Problems(); len(p) != 1 || !strings.HasPrefix(p[0], c.want) {
			t.Errorf("problems %q, want %q", p, c.want)
		}
	}
	pairs := good
	pairs.Train, pairs.DocumentSeparator = []string{"builtin:dates?n=0100"}, "--"
	if p := pairs.PairProblems(); len(p) != 2 || p[0] != "data.document_separator: is for task lm" ||
		!strings.Contains(p[1], "n=0100 is not a number of pairs") {
		t.Errorf("pairs: problems %q", p)
	}
	good.Valid, good.ValidFraction = []string{"v.txt"}, 7
	if p := good.Problems(); p != nil {
		t.Errorf("an unused fraction is a problem: %q", p)
	}
}
