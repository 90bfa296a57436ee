package data

import (
	"errors"
	"fmt"

	"dmtrain/internal/tokenizer"
)

// Options are what Open needs besides the configuration.
type Options struct {
	Tokenizer tokenizer.Tokenizer // nil: make the configured one from the training text
	CacheDir  string              // for large texts' tokens; empty: dmtrain in the user's cache directory
	CacheFrom int64               // size in bytes from which a text is large; 0: 16 MiB

	// AfterTokens splits the training text after encoding it, as older programs did, for the models that they trained.
	AfterTokens bool
	Evaluating  bool // nothing will be trained: warn of what would forbid training
}

// Set is a run's data.
type Set struct {
	Tokenizer      tokenizer.Tokenizer
	Train, Valid   *Corpus
	Test           *Corpus  // nil: none is configured
	UnigramEntropy float64  // of Train, in nats
	Warnings       []string // for the user: skipped files, unknown characters, …

	Overlaps []Overlap // of Valid, and of Test, with Train

	cut int // number of tokens before the held-out parts
}

// Open reads the configured text; the configuration must have no Problems. Errors name key and file. Validation and
// test text are split off before the tokenizer is made.
func Open(c Config, o Options) (*Set, error) {
	parts := splitOf(c)
	if o.AfterTokens {
		parts = split{}
	}
	train, err := openTokens("data.train", c.Train, c.DocumentSeparator, c.Tokenizer, parts, o)
	if err != nil {
		return nil, err
	}
	if o.AfterTokens {
		parts = splitOf(c)
		if err := splitTokens(train.file, parts); err != nil {
			return nil, errors.Join(err, train.file.Close())
		}
	}
	s := &Set{Tokenizer: train.tokenizer, Warnings: train.warnings}
	if err := s.open(c, parts, train.file, o); err != nil {
		return nil, errors.Join(err, s.Close(), train.file.Close())
	}
	s.UnigramEntropy = s.Train.UnigramEntropy()
	return s, nil
}

// splitTokens splits an encoded text.
func splitTokens(m *tokensFile, parts split) (err error) {
	around := func(i int) (start, next int) {
		d := m.document(i)
		return m.start(d), m.start(d + 1)
	}
	if m.meta.Cuts, err = parts.cuts(m.len(), "tokens", around); err != nil {
		return err
	}
	m.meta.Before = make([]int, len(m.meta.Cuts))
	return nil
}

// open makes the corpora of the parts.
func (s *Set) open(c Config, parts split, train *tokensFile, o Options) (err error) {
	s.cut = train.len()
	if len(train.meta.Cuts) > 0 {
		s.cut = train.meta.Cuts[0]
	}
	if s.Train, err = newCorpus(train, 0, s.shorten(train, s.cut, c.TrainBytes), s.Tokenizer); err != nil {
		return err
	}
	s.Train.unknown = train.unknown()[0]
	if s.Train.Len() <= c.SeqLen {
		return fmt.Errorf("data.train: the training text has only %d tokens: data.seq_len: %d needs at least %d",
			s.Train.Len(), c.SeqLen, c.SeqLen+1)
	}
	o.Tokenizer = s.Tokenizer
	part := 0
	held := func(key string, entries []string, share float64) (*Corpus, error) {
		if share > 0 {
			part++
			return partOf(train, part, s.Tokenizer)
		}
		if len(entries) == 0 {
			return nil, nil
		}
		return openCorpus(key, entries, c.DocumentSeparator, o, &s.Warnings)
	}
	if s.Valid, err = held("data.valid", c.Valid, parts.Valid); err != nil {
		return err
	}
	if s.Test, err = held("data.test", c.Test, parts.Test); err != nil {
		return err
	}
	return s.compare(c, o)
}

// Cut is the number of tokens before the parts that validate and test.
func (s *Set) Cut() int { return s.cut }

// shorten is the number of first tokens, at most cut, that stand for at most limit bytes of text; 0 = no limit.
// Neither the validation text nor the tokenizer depends on it, so that models trained on more and on less text can be
// compared.
func (s *Set) shorten(m *tokensFile, cut, limit int) int {
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
		s.Warnings = append(s.Warnings,
			fmt.Sprintf("data.train_bytes: %d: the training text has only %d bytes", limit, bytes))
	}
	return cut
}

// Close closes all parts.
func (s *Set) Close() error {
	var errs []error
	for _, c := range []*Corpus{s.Train, s.Valid, s.Test} {
		if c != nil {
			errs = append(errs, c.Close())
		}
	}
	return errors.Join(errs...)
}

// OpenCorpus reads other text for evaluation, with o.Tokenizer. key names the list of entries in messages ("--data").
func OpenCorpus(key string, entries []string, separator string, o Options) (c *Corpus, warnings []string, err error) {
	c, err = openCorpus(key, entries, separator, o, &warnings)
	return c, warnings, err
}

func openCorpus(key string, entries []string, separator string, o Options, warnings *[]string) (*Corpus, error) {
	if o.Tokenizer == nil {
		panic("data: no tokenizer")
	}
	e, err := openTokens(key, entries, separator, tokenizer.Config{}, split{}, o)
	if err != nil {
		return nil, err
	}
	*warnings = append(*warnings, e.warnings...)
	c, err := partOf(e.file, 0, o.Tokenizer)
	if err == nil && c.Targets() == 0 {
		err = fmt.Errorf("%s: the text has nothing to predict: %d tokens in %d documents", key, c.Len(), c.Documents())
	}
	if err != nil {
		return nil, errors.Join(err, e.file.Close())
	}
	return c, nil
}
