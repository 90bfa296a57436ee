package tokenizer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"dmtrain/internal/textio"
)

// pieces is how a file must say that text is cut before it is merged.
type pieces int

const (
	byteLevelPieces pieces = iota // as GPT-2 cuts it, in bytes
	byteLevelWhole                // in bytes, and nothing merges them
	characters                    // not at all
)

// gpt2Patterns are the ways in which GPT-2's pattern is written.
var gpt2Patterns = []string{
	`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`,
	`'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`,
}

// parseModel reads a tokenizer.json.
func parseModel(text []byte) (*modelFile, error) {
	m := &modelFile{}
	err := textio.UnmarshalJSON(text, m)
	if err == nil && m.Model.Vocab == nil {
		err = errors.New("model.vocab: missing; this is no tokenizer.json")
	}
	return m, err
}

// section is any of the steps in a tokenizer.json, with those keys that change what it does.
type section struct {
	Type           string            `json:"type"`
	AddPrefixSpace *bool             `json:"add_prefix_space"`
	UseRegex       *bool             `json:"use_regex"`
	Pattern        json.RawMessage   `json:"pattern"`
	Behavior       string            `json:"behavior"`
	Invert         bool              `json:"invert"`
	Single         []json.RawMessage `json:"single"`

	Normalizers   []json.RawMessage `json:"normalizers"`
	Pretokenizers []json.RawMessage `json:"pretokenizers"`
	Processors    []json.RawMessage `json:"processors"`
	Decoders      []json.RawMessage `json:"decoders"`
}

// sections are the steps of a section without the sequences they stand in.
func sections(raw json.RawMessage) (flat []section, err error) {
	if len(raw) == 0 || bytes.Equal(bytes.TrimSpace(raw), []byte("null")) {
		return nil, nil
	}
	var s section
	if err := textio.UnmarshalJSON(raw, &s); err != nil {
		return nil, err
	}
	if s.Type != "Sequence" {
		return []section{s}, nil
	}
	for _, part := range slices.Concat(s.Normalizers, s.Pretokenizers, s.Processors, s.Decoders) {
		parts, err := sections(part)
		if err != nil {
			return nil, err
		}
		flat = append(flat, parts...)
	}
	return flat, nil
}

// check refuses, by its name, every section of a tokenizer.json that asks for something that isn't done here.
func (m *modelFile) check(p pieces) error {
	for _, s := range []struct {
		name string
		raw  json.RawMessage
		ok   func([]section) error
	}{
		{"truncation", m.Truncation, none}, {"padding", m.Padding, none}, {"normalizer", m.Normalizer, none},
		{"pre_tokenizer", m.PreTokenizer, p.cut}, {"post_processor", m.PostProcessor, addNothing},
		{"decoder", m.Decoder, p.join},
	} {
		flat, err := sections(s.raw)
		if err == nil {
			err = s.ok(flat)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return m.Model.check(p)
}

// none is for sections that must be empty.
func none(all []section) error {
	switch {
	case len(all) == 0:
		return nil
	case all[0].Type == "":
		return errors.New("is set, which is not supported (null)")
	}
	return fmt.Errorf("%s is not supported (null)", all[0].Type)
}

// cut looks at a pre-tokenizer.
func (p pieces) cut(all []section) error {
	const want = "ByteLevel without a prefix space, or a Split by GPT-2's pattern before it"
	if p == characters {
		return none(all)
	}
	if len(all) == 0 {
		return fmt.Errorf("null is not supported (%s)", want)
	}
	split := false
	if all[0].Type == "Split" {
		if err := all[0].isGPT2Split(); err != nil {
			return fmt.Errorf("%w (%s)", err, want)
		}
		split, all = true, all[1:]
	}
	switch {
	case len(all) == 0:
		return fmt.Errorf("%s alone is not supported (%s)", "Split", want)
	case len(all) > 1 || all[0].Type != "ByteLevel":
		return fmt.Errorf("%s is not supported (%s)", all[len(all)-1].Type, want)
	case is(all[0].AddPrefixSpace, true):
		return errors.New("add_prefix_space: true is not supported, only false")
	}
	if regex := is(all[0].UseRegex, true); p == byteLevelPieces && regex == split {
		return fmt.Errorf("%s with use_regex %t is not supported here (%s)", all[0].Type, regex, want)
	}
	return nil
}

// is reads a key whose absence means the default.
func is(key *bool, byDefault bool) bool {
	if key == nil {
		return byDefault
	}
	return *key
}

func (s section) isGPT2Split() error {
	var pattern struct{ Regex string }
	if json.Unmarshal(s.Pattern, &pattern) != nil || !slices.Contains(gpt2Patterns, pattern.Regex) {
		return fmt.Errorf("%s by %s is not supported", s.Type, s.Pattern)
	}
	if s.Behavior == "Isolated" && !s.Invert || s.Behavior == "Removed" && s.Invert {
		return nil
	}
	return fmt.Errorf("%s with behavior %q and invert %t is not supported", s.Type, s.Behavior, s.Invert)
}

// addNothing looks at a post-processor, which must leave the ids as they are.
func addNothing(all []section) error {
	for _, s := range all {
		switch {
		case s.Type == "ByteLevel": // changes offsets alone
		case s.Type == "TemplateProcessing" && s.addsNothing():
		default:
			return fmt.Errorf("%s is not supported (null, or one that adds no tokens)", s.Type)
		}
	}
	return nil
}

// addsNothing says whether a template is a single text and nothing else.
func (s section) addsNothing() bool {
	var part struct {
		Sequence *struct{ ID string }
	}
	return len(s.Single) == 1 && json.Unmarshal(s.Single[0], &part) == nil && part.Sequence != nil &&
		part.Sequence.ID == "A"
}

// join looks at a decoder.
func (p pieces) join(all []section) error {
	want := "ByteLevel"
	if p == characters {
		want = "Fuse"
	}
	for _, s := range all {
		if s.Type != want && s.Type != "Fuse" {
			return fmt.Errorf("%s is not supported, only %s", s.Type, want)
		}
	}
	return nil
}

// check refuses a model that merges otherwise. Where every byte is a token nothing is unknown: what is done then
// doesn't matter.
func (m *bpeModel) check(p pieces) error {
	set := func(s *string) bool { return s != nil && *s != "" }
	switch {
	case m.Type != "BPE" && m.Type != "": // files before 2022 have no type
		return fmt.Errorf("model.type: %q is not supported, only \"BPE\"", m.Type)
	case m.Dropout != nil && *m.Dropout != 0:
		return fmt.Errorf("model.dropout: %v is not supported, only null", *m.Dropout)
	case set(m.Prefix):
		return fmt.Errorf("model.continuing_subword_prefix: %q is not supported, only null", *m.Prefix)
	case set(m.Suffix):
		return fmt.Errorf("model.end_of_word_suffix: %q is not supported, only null", *m.Suffix)
	case m.IgnoreMerges:
		return errors.New("model.ignore_merges: true is not supported, only false")
	case p == characters && set(m.UnkToken):
		return fmt.Errorf("model.unk_token: %q is not supported, only null", *m.UnkToken)
	case p == characters && m.ByteFallback:
		return errors.New("model.byte_fallback: true is not supported, only false")
	}
	return nil
}
