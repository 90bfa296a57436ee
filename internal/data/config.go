package data

import (
	"fmt"

	"dmtrain/internal/tokenizer"
)

// Config is the data section of a configuration.
type Config struct {
	Train         []string `mapstructure:"train"`          // files, globs, directories, builtin:stories
	Valid         []string `mapstructure:"valid"`          // the same; empty: the end of train
	ValidFraction float64  `mapstructure:"valid_fraction"` // share of train's text, where valid is empty
	// Test is text that is evaluated once, with the best model, at the end.
	Test []string `mapstructure:"test"`
	// TestFraction is the share of train's text after the validation text, if test is empty; 0 = no test.
	TestFraction float64 `mapstructure:"test_fraction"`
	// TrainBytes limits the training text to its first bytes; 0 = no limit.
	TrainBytes int              `mapstructure:"train_bytes"`
	SeqLen     int              `mapstructure:"seq_len"` // tokens a row
	Tokenizer  tokenizer.Config `mapstructure:"tokenizer"`
	// DocumentSeparator separates the documents of a file; empty: a file is one document.
	DocumentSeparator string     `mapstructure:"document_separator"`
	Pairs             PairConfig `mapstructure:"pairs"` // task seq2seq
}

// DefaultConfig is complete but for the text.
func DefaultConfig() Config {
	return Config{
		ValidFraction: 0.1,
		SeqLen:        128,
		Tokenizer:     tokenizer.DefaultConfig(),
		Pairs:         defaultPairs(),
	}
}

// Problems lists what is wrong with a configuration; each problem begins with its key. Open finds missing files.
func (c Config) Problems() []string {
	var problems []string
	add := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	if len(c.Train) == 0 {
		add("data.train: names no text (files, globs, directories or %s)", storiesName)
	}
	problems = append(problems, builtinProblems("data.train", c.Train)...)
	problems = append(problems, builtinProblems("data.valid", c.Valid)...)
	problems = append(problems, builtinProblems("data.test", c.Test)...)
	problems = append(problems, c.fractionProblems(len(c.Valid) > 0, len(c.Test) > 0)...)
	if c.TrainBytes < 0 {
		add("data.train_bytes: %d is not a number of bytes (0 = all of the training text)", c.TrainBytes)
	}
	if c.SeqLen < 1 {
		add("data.seq_len: %d is not a length (at least 1)", c.SeqLen)
	}
	problems = append(problems, c.Pairs.unused()...)
	return append(problems, c.Tokenizer.Problems("data.tokenizer")...)
}

// HasTest says whether a test text, or test pairs, are configured.
func (c Config) HasTest() bool { return len(c.Test)+len(c.Pairs.TestSource) > 0 || c.TestFraction > 0 }

// fractionProblems are those of valid_fraction and test_fraction; valid and test say whether other text is configured
// for them.
func (c Config) fractionProblems(valid, test bool) []string {
	held := c.ValidFraction
	if valid {
		held = 0
	}
	switch {
	case !valid && !(c.ValidFraction > 0 && c.ValidFraction < 1):
		return []string{fmt.Sprintf("data.valid_fraction: %v is not a fraction (between 0 and 1)", c.ValidFraction)}
	case !(c.TestFraction >= 0 && c.TestFraction < 1):
		return []string{fmt.Sprintf("data.test_fraction: %v is not a fraction (from 0 up to, not including, 1; 0 = "+
			"no test text)", c.TestFraction)}
	case test && c.TestFraction > 0:
		return []string{fmt.Sprintf("data.test_fraction: %v, but the test text is named already: leave one out",
			c.TestFraction)}
	case held+c.TestFraction >= 1:
		return []string{fmt.Sprintf("data.test_fraction: %v beside data.valid_fraction %v leaves nothing to train on",
			c.TestFraction, c.ValidFraction)}
	}
	return nil
}

func builtinProblems(key string, entries []string) []string {
	var problems []string
	for _, e := range entries {
		if !isBuiltin(e) {
			if e == "" {
				problems = append(problems, key+": an empty name")
			}
			continue
		}
		if _, err := parseBuiltin(e); err != nil {
			problems = append(problems, fmt.Sprintf("%s: %s: %v", key, e, err))
		}
	}
	return problems
}
