package data

import (
	"bytes"
	"errors"
	"fmt"

	"dmtrain/internal/textio"
	"dmtrain/internal/tokenizer"
)

// survey reads the inputs once. It returns those that are text, their lengths, and what a tokenizer learns from them.
func (e *encoding) survey() (texts []input, found *tokenizer.Survey, long *textLength, err error) {
	kind := e.learns()
	if e.split != (split{}) { // it learns from a part of them, which is not known yet
		kind = tokenizer.Config{}
	}
	found, long = tokenizer.NewSurvey(kind), &textLength{bytes: e.bytes()}
	var warnings []string
	for _, s := range e.inputs {
		one, length, err := e.surveyOne(&s, kind)
		if no, ok := errors.AsType[*textio.NotText](err); ok && s.found {
			warnings = append(warnings, fmt.Sprintf("%s: passed over: %v", s.name, no))
			continue
		}
		if err != nil {
			return nil, nil, nil, fmt.Errorf("%s: %s: %w", e.key, s.name, err)
		}
		for _, r := range append(s.remarks, endings(s.endings, e.separator)) {
			if r != "" {
				warnings = append(warnings, s.name+": "+r)
			}
		}
		found.Merge(one)
		long.join(length)
		texts = append(texts, s)
	}
	if len(texts) == 0 {
		return nil, nil, nil, fmt.Errorf("%s: none of the %d files is text (%s)", e.key, len(e.inputs), warnings[0])
	}
	lost, err := unseparated(texts, e.separator, found.Documents)
	if err != nil {
		return nil, nil, nil, fmt.Errorf("%s: %w", e.key, err)
	}
	if lost != "" {
		warnings = append(warnings, lost)
	}
	e.skipped = warnings
	return texts, found, long, nil
}

func (e *encoding) surveyOne(s *input, kind tokenizer.Config) (*tokenizer.Survey, *textLength, error) {
	found, long := tokenizer.NewSurvey(kind), &textLength{bytes: e.bytes()}
	err := read(s, e.separator, found.SplitPoint, func(text []byte, last bool) error {
		found.Add(text)
		long.add(text, last)
		s.endings += bytes.Count(text, []byte(tokenizer.EndOfText))
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	found.Documents = long.documents
	switch {
	case s.size == 0:
		return nil, nil, &textio.NotText{Reason: "empty"}
	case found.Documents == 0:
		return nil, nil, &textio.NotText{Reason: "nothing but white space"}
	}
	return found, long, nil
}

// bytes says whether the tokens will be bytes.
func (e *encoding) bytes() bool {
	if e.tokenizer != nil {
		return e.tokenizer.Kind() == "byte"
	}
	return e.kind.Kind == "byte"
}

// errEnough ends reading early.
var errEnough = errors.New("enough")

// surveyHead reads the texts up to a cut: what a tokenizer learns from the training part alone.
func (e *encoding) surveyHead(texts []input, long *textLength, cut int) (*tokenizer.Survey, error) {
	found := tokenizer.NewSurvey(e.kind)
	done := false
	c := &cutter{textLength: long, cuts: []int{cut}, reach: func(int) { done = true }}
	begin := func() {
		if !done {
			found.Documents++
		}
	}
	add := func(text []byte) {
		if !done {
			found.Add(text)
		}
	}
	for _, s := range texts {
		err := read(&s, e.separator, found.SplitPoint, func(text []byte, last bool) error {
			if c.piece(text, last, begin, add, func() {}); done {
				return errEnough
			}
			return nil
		})
		if errors.Is(err, errEnough) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %s: %w", e.key, s.name, err)
		}
	}
	return found, nil
}
