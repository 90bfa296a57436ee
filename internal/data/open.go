package data

import (
	"errors"
	"fmt"

	"dmtrain/internal/tokenizer"
)

// Options are what Open needs besides the configuration.
type Options struct {
	Tokenizer tokenizer.Tokenizer // nil: make the configured one for the training text
	CacheDir  string              // where large texts' tokens are kept; empty: dmtrain in the user's cache directory
	CacheFrom int64               // size in bytes from which a text is large; 0: 16 MiB
}

// Set is a run's data.
type Set struct {
	Tokenizer      tokenizer.Tokenizer
	Train, Valid   *Corpus
	UnigramEntropy float64  // of Train, in nats
	Warnings       []string // what the user should know: files passed over, unknown characters, …
}

// Open reads the configured text, a configuration without Problems. Its errors name key and file.
func Open(c Config, o Options) (*Set, error) {
	train, err := openImage("data.train", c.Train, c.DocumentSeparator, c.Tokenizer, o)
	if err != nil {
		return nil, err
	}
	s := &Set{Tokenizer: train.tokenizer, Warnings: train.warnings}
	if err := s.open(c, train.image, o); err != nil {
		return nil, errors.Join(err, train.image.Close())
	}
	s.UnigramEntropy = s.Train.UnigramEntropy()
	return s, nil
}

// open makes the two splits.
func (s *Set) open(c Config, train *image, o Options) (err error) {
	cut := train.len()
	if len(c.Valid) == 0 {
		if cut, err = split(train, c.ValidFraction); err != nil {
			return fmt.Errorf("data.valid_fraction: %v of %d tokens %w", c.ValidFraction, train.len(), err)
		}
		if s.Valid, err = newCorpus(train, cut, train.len(), s.Tokenizer); err != nil {
			return err
		}
	}
	if s.Train, err = newCorpus(train, 0, s.shorten(train, cut, c.TrainBytes), s.Tokenizer); err != nil {
		return err
	}
	if s.Train.Len() <= c.SeqLen {
		return fmt.Errorf("data.train: the training text has only %d tokens: data.seq_len: %d needs at least %d", s.Train.Len(), c.SeqLen, c.SeqLen+1)
	}
	if len(c.Valid) == 0 {
		return nil
	}
	o.Tokenizer = s.Tokenizer
	s.Valid, err = openCorpus("data.valid", c.Valid, c.DocumentSeparator, o, &s.Warnings)
	if err == nil {
		s.Warnings = append(s.Warnings, overlap(c)...)
	}
	return err
}

// shorten is how many of an image's first tokens stand for at most so many bytes of text, or cut, if those are fewer or the
// limit is 0. What validates does not depend on it: models trained on more and on less of a text can be compared.
func (s *Set) shorten(m *image, cut, limit int) int {
	if limit == 0 {
		return cut
	}
	sizes, bytes := byteSizes(s.Tokenizer), 0
	for i := range cut {
		if bytes += sizes[m.token(i)]; bytes > limit {
			return i
		}
	}
	if bytes < limit {
		s.Warnings = append(s.Warnings, fmt.Sprintf("data.train_bytes: %d: the training text has only %d bytes", limit, bytes))
	}
	return cut
}

// Close gives back the memory of both splits.
func (s *Set) Close() error { return errors.Join(s.Train.Close(), s.Valid.Close()) }

// OpenCorpus reads other text with a tokenizer that exists, for evaluation: o.Tokenizer. Key is what messages
// call the list of sources ("--data").
func OpenCorpus(key string, sources []string, separator string, o Options) (c *Corpus, warnings []string, err error) {
	c, err = openCorpus(key, sources, separator, o, &warnings)
	return c, warnings, err
}

func openCorpus(key string, sources []string, separator string, o Options, warnings *[]string) (*Corpus, error) {
	if o.Tokenizer == nil {
		panic("data: no tokenizer")
	}
	e, err := openImage(key, sources, separator, tokenizer.Config{}, o)
	if err != nil {
		return nil, err
	}
	*warnings = append(*warnings, e.warnings...)
	c, err := newCorpus(e.image, 0, e.image.len(), o.Tokenizer)
	if err == nil && c.Targets() == 0 {
		err = fmt.Errorf("%s: the text has nothing to predict: %d tokens in %d documents", key, c.Len(), c.Documents())
	}
	if err != nil {
		return nil, errors.Join(err, e.image.Close())
	}
	return c, nil
}

// overlap warns of text that is both trained and validated on.
func overlap(c Config) []string {
	train, _, err := resolve("data.train", c.Train)
	if err != nil {
		return nil
	}
	valid, _, err := resolve("data.valid", c.Valid)
	if err != nil {
		return nil
	}
	trained := map[string]bool{}
	for _, s := range train {
		trained[s.id] = true
	}
	var warnings []string
	for _, s := range valid {
		if trained[s.id] {
			warnings = append(warnings, fmt.Sprintf("data.valid: %s: is in data.train too: its loss is no validation", s.name))
		}
	}
	return warnings
}
