package data

import (
	"bytes"
	"errors"
	"fmt"
	"unicode/utf8"

	"dmtrain/internal/tokenizer"
)

// maxInvalid is the share of bytes outside valid UTF-8 beyond which a file is no text.
const maxInvalid = 0.1

// survey reads the sources once. It returns those that are text, and warns of those it passes over.
func survey(key string, sources []source, separator string, kind tokenizer.Config) (texts []source, found *tokenizer.Survey, warnings []string, err error) {
	found = tokenizer.NewSurvey(kind)
	for _, s := range sources {
		one, err := surveyOne(&s, separator, kind)
		if e, ok := errors.AsType[*errNoText](err); ok && s.found {
			warnings = append(warnings, fmt.Sprintf("%s: passed over: %v", s.name, e))
			continue
		}
		if err != nil {
			return nil, found, nil, fmt.Errorf("%s: %s: %w", key, s.name, err)
		}
		found.Merge(one)
		texts = append(texts, s)
	}
	if len(texts) == 0 {
		return nil, found, nil, fmt.Errorf("%s: none of the %d files is text (%s)", key, len(sources), warnings[0])
	}
	return texts, found, warnings, nil
}

func surveyOne(s *source, separator string, kind tokenizer.Config) (*tokenizer.Survey, error) {
	found := tokenizer.NewSurvey(kind)
	var total, invalid int64
	err := read(s, separator, found.SplitPoint, func(text []byte, last bool) error {
		if at := bytes.IndexByte(text, 0); at >= 0 {
			return &errNoText{"not text: has NUL bytes"}
		}
		invalid += countInvalid(text)
		total += int64(len(text))
		found.Add(text)
		if last {
			found.Documents++
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	switch {
	case s.size == 0:
		return nil, &errNoText{"empty"}
	case found.Documents == 0:
		return nil, &errNoText{"nothing but white space"}
	case float64(invalid) > maxInvalid*float64(total):
		return nil, &errNoText{fmt.Sprintf("not UTF-8 text: %.0f %% of its bytes are invalid", 100*float64(invalid)/float64(total))}
	}
	return found, nil
}

// countInvalid counts the bytes that are not part of valid UTF-8.
func countInvalid(text []byte) (n int64) {
	if utf8.Valid(text) {
		return 0
	}
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		if r == utf8.RuneError && size == 1 {
			n++
		}
		text = text[size:]
	}
	return n
}
