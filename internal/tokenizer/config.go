package tokenizer

import (
	"crypto/sha256"
	"fmt"
	"os"
	"slices"
	"strings"
)

// Config is the tokenizer part of a configuration.
type Config struct {
	Kind string `mapstructure:"kind"` // byte | char | bpe | gpt2
	Size int    `mapstructure:"size"` // bpe: how many tokens to learn from the training text
	File string `mapstructure:"file"` // bpe: a tokenizer.json learnt before, instead of learning one
}

// kinds are the values of Config.Kind.
var kinds = []string{"byte", "char", "bpe", "gpt2"}

// maxSize bounds a vocabulary; the largest published ones have a quarter of it.
const maxSize = 1 << 20

// DefaultConfig cuts text into bytes.
func DefaultConfig() Config { return Config{Kind: "byte"} }

// Problems says what is wrong with a configuration that stands under key ("data.tokenizer").
func (c Config) Problems(key string) []string {
	problem := func(name, format string, args ...any) []string {
		return []string{key + "." + name + ": " + fmt.Sprintf(format, args...)}
	}
	switch {
	case !slices.Contains(kinds, c.Kind):
		return problem("kind", "%q is not a tokenizer (%s)", c.Kind, strings.Join(kinds, ", "))
	case c.Kind != "bpe" && c.Size != 0:
		return problem("size", "the vocabulary of %s has no size to choose; that is for bpe", c.Kind)
	case c.Kind != "bpe" && c.File != "":
		return problem("file", "%s is in no file; that is for bpe", c.Kind)
	case c.Kind == "bpe" && c.File == "" && CheckSize(c.Size) != nil:
		return problem("size", "%v; or name a tokenizer.json as file", CheckSize(c.Size))
	case c.File != "" && c.Size != 0:
		return problem("size", "the file says how many tokens there are: leave one out")
	}
	return nil
}

// CheckSize says whether so many tokens can be learnt.
func CheckSize(size int) error {
	if size < minPairsVocab || size > maxSize {
		return fmt.Errorf("%d is not a number of tokens to learn (%d to %d)", size, minPairsVocab, maxSize)
	}
	return nil
}

// Short warns of a learnt vocabulary that is smaller than the configuration asks for; it is empty otherwise.
func (c Config) Short(t Tokenizer) string {
	if c.Kind != "bpe" || c.Size <= t.Vocab() {
		return ""
	}
	return fmt.Sprintf("data.tokenizer.size: %d tokens were asked for, but after %d no further pair of tokens "+
		"occurs twice in the text", c.Size, t.Vocab())
}

// Identity tells configurations apart that make different tokenizers of one text.
func (c Config) Identity() string {
	if c.Kind != "bpe" {
		return c.Kind
	}
	text, _ := os.ReadFile(c.File) // New tells why, if it can't be read
	return fmt.Sprintf("bpe %d %q %x", c.Size, c.File, sha256.Sum256(text))
}

// New makes the tokenizer for a training text that has been surveyed.
func New(c Config, s *Survey) (Tokenizer, error) {
	documents := s.Documents > 1
	switch {
	case c.Kind == "byte":
		return newBytes(documents), nil
	case c.Kind == "char":
		return newChars(s.characters(), documents), nil
	case c.Kind == "gpt2":
		return newGPT2(documents), nil
	case c.Kind == "bpe" && c.File != "":
		return openPairs(c.File, documents)
	case c.Kind == "bpe":
		return s.trainer.Train(c.Size, documents)
	}
	return nil, fmt.Errorf("%q is not a tokenizer (%s)", c.Kind, strings.Join(kinds, ", "))
}

// openPairs reads a tokenizer.json.
func openPairs(path string, documents bool) (Tokenizer, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("file: %w", err)
	}
	m, err := parseModel(text)
	if err != nil {
		return nil, fmt.Errorf("file: %s: %w", path, err)
	}
	t, err := loadPairs(m, documents)
	if err != nil {
		return nil, fmt.Errorf("file: %s: %w", path, err)
	}
	return t, nil
}
