package lm

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"dmtrain/internal/data"
	"dmtrain/internal/task"
	"dmtrain/internal/tokenizer"
)

// splitTokens says whether a text is that of a program that made the tokenizer for the whole of data.train and
// split its tokens.
func splitTokens(c data.Config, was task.Identity) bool { return len(c.Valid) == 0 && was.Cut == 0 }

// oldSplit is what such a program did that is done otherwise now; empty if that is all the same, or if the text is
// another one.
func oldSplit(c data.Config, tok tokenizer.Tokenizer, train uint32) (_ string, err error) {
	c.Test, c.TestFraction = nil, 0 // there was none
	before, err := data.Open(c, data.Options{Tokenizer: tok, AfterTokens: true})
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, before.Close()) }()
	if before.Train.Checksum() != train {
		return "", nil
	}
	now, err := data.Open(c, data.Options{})
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, now.Close()) }()
	switch {
	case !maps.EqualFunc(now.Tokenizer.Files(), tok.Files(), slices.Equal):
		return "made the tokenizer for the validation text too, which made its losses too good", nil
	case now.Cut() != before.Cut() || now.Valid.Bytes() != before.Valid.Bytes():
		return fmt.Sprintf("split the text by tokens, at token %d, where it is split by characters now, at token %d",
			before.Cut(), now.Cut()), nil
	}
	return "", nil
}
