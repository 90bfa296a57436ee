package data

import (
	"bytes"
	"errors"
	"fmt"

	"dmtrain/internal/textio"
	"dmtrain/internal/tokenizer"
)

// survey reads the sources once. It returns those that are text, and warns of those it passes over.
func survey(key string, sources []source, separator string, kind tokenizer.Config) (texts []source, found *tokenizer.Survey, warnings []string, err error) {
	found = tokenizer.NewSurvey(kind)
	for _, s := range sources {
		one, err := surveyOne(&s, separator, kind)
		if e, ok := errors.AsType[*textio.NotText](err); ok && s.found {
			warnings = append(warnings, fmt.Sprintf("%s: passed over: %v", s.name, e))
			continue
		}
		if err != nil {
			return nil, found, nil, fmt.Errorf("%s: %s: %w", key, s.name, err)
		}
		for _, r := range append(s.remarks, endings(s.endings, separator)) {
			if r != "" {
				warnings = append(warnings, s.name+": "+r)
			}
		}
		found.Merge(one)
		texts = append(texts, s)
	}
	if len(texts) == 0 {
		return nil, found, nil, fmt.Errorf("%s: none of the %d files is text (%s)", key, len(sources), warnings[0])
	}
	lost, err := unseparated(texts, separator, found.Documents)
	if err != nil {
		return nil, found, nil, fmt.Errorf("%s: %w", key, err)
	}
	if lost != "" {
		warnings = append(warnings, lost)
	}
	return texts, found, warnings, nil
}

func surveyOne(s *source, separator string, kind tokenizer.Config) (*tokenizer.Survey, error) {
	found := tokenizer.NewSurvey(kind)
	err := read(s, separator, found.SplitPoint, func(text []byte, last bool) error {
		found.Add(text)
		s.endings += bytes.Count(text, []byte(tokenizer.EndOfText))
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
		return nil, &textio.NotText{Reason: "empty"}
	case found.Documents == 0:
		return nil, &textio.NotText{Reason: "nothing but white space"}
	}
	return found, nil
}
