package data

import (
	"fmt"
	"strings"
)

// PairConfig configures pairs of a source and a target text, for task seq2seq.
type PairConfig struct {
	Source      []string `mapstructure:"source"` // files whose lines pair up with target's, instead of data.train
	Target      []string `mapstructure:"target"`
	ValidSource []string `mapstructure:"valid_source"` // the same for data.valid
	ValidTarget []string `mapstructure:"valid_target"`
	TestSource  []string `mapstructure:"test_source"` // the same for data.test
	TestTarget  []string `mapstructure:"test_target"`
	Fields      []string `mapstructure:"fields"` // JSONL: names of source and target
	// Buckets is the largest number of batch shapes; pairs of similar length are batched together.
	Buckets     int `mapstructure:"buckets"`
	BatchTokens int `mapstructure:"batch_tokens"` // source and target tokens a step, padding included
}

func defaultPairs() PairConfig {
	return PairConfig{Fields: []string{"source", "target"}, Buckets: 8, BatchTokens: 4096}
}

// unused are problems with pairs that task lm would ignore.
func (p PairConfig) unused() []string {
	var problems []string
	for _, list := range []struct {
		name  string
		files []string
	}{{"source", p.Source}, {"target", p.Target}, {"valid_source", p.ValidSource}, {"valid_target", p.ValidTarget},
		{"test_source", p.TestSource}, {"test_target", p.TestTarget}} {
		if len(list.files) > 0 {
			problems = append(problems, "data.pairs."+list.name+": is for task seq2seq")
		}
	}
	return problems
}

// PairProblems is Problems for task seq2seq.
func (c Config) PairProblems() []string {
	var problems []string
	add := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	p := c.Pairs
	if len(c.Train) == 0 && len(p.Source) == 0 {
		add("data.train: names no pairs (TSV or JSONL files, %s, %s, %s; or parallel files as data.pairs.source "+
			"and data.pairs.target)", datesName, numbersName, headlinesName)
	}
	if len(p.Source) != len(p.Target) {
		add("data.pairs.target: %d files for the %d of data.pairs.source", len(p.Target), len(p.Source))
	}
	if len(p.ValidSource) != len(p.ValidTarget) {
		add("data.pairs.valid_target: %d files for the %d of data.pairs.valid_source", len(p.ValidTarget),
			len(p.ValidSource))
	}
	if len(p.TestSource) != len(p.TestTarget) {
		add("data.pairs.test_target: %d files for the %d of data.pairs.test_source", len(p.TestTarget),
			len(p.TestSource))
	}
	if len(p.Fields) != 2 {
		add("data.pairs.fields: must be two names, of the source and of the target")
	}
	if p.Buckets < 1 || p.Buckets > 64 {
		add("data.pairs.buckets: %d is not within 1 … 64", p.Buckets)
	}
	if p.BatchTokens < 1 || p.BatchTokens > 1<<24 {
		add("data.pairs.batch_tokens: %d is not within 1 … %d", p.BatchTokens, 1<<24)
	}
	if c.SeqLen < 3 {
		add("data.seq_len: %d has no room for a text and its ends (at least 3)", c.SeqLen)
	}
	if c.TrainBytes != 0 {
		add("data.train_bytes: is for task lm")
	}
	if c.DocumentSeparator != "" {
		add("data.document_separator: is for task lm")
	}
	problems = append(problems,
		c.fractionProblems(len(c.Valid)+len(p.ValidSource) > 0, len(c.Test)+len(p.TestSource) > 0)...)
	for _, list := range []struct {
		key     string
		entries []string
	}{{"data.train", c.Train}, {"data.valid", c.Valid}, {"data.test", c.Test}} {
		for _, entry := range list.entries {
			if strings.HasPrefix(entry, builtinPrefix) {
				if _, err := parsePairBuiltin(entry); err != nil {
					add("%s: %s: %v", list.key, entry, err)
				}
			}
		}
	}
	return append(problems, c.Tokenizer.Problems("data.tokenizer")...)
}
