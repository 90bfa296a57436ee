package tokenizer

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"dmtrain/internal/textio"
)

// publishedConfig is a tokenizer_config.json that others wrote, with those keys that change ids.
type publishedConfig struct {
	Class          string       `json:"tokenizer_class"`
	AddPrefixSpace bool         `json:"add_prefix_space"`
	AddBos         bool         `json:"add_bos_token"`
	AddEos         bool         `json:"add_eos_token"`
	BosToken       publishToken `json:"bos_token"`
	EosToken       publishToken `json:"eos_token"`
}

// publishToken is a special token: its text, or an object with that.
type publishToken string

// UnmarshalJSON implements json.Unmarshaler.
func (t *publishToken) UnmarshalJSON(b []byte) error {
	var object struct {
		Content string `json:"content"`
	}
	if json.Unmarshal(b, &object) == nil {
		*t = publishToken(object.Content)
		return nil
	}
	return json.Unmarshal(b, (*string)(t))
}

// fromPublished reads a published tokenizer of byte pairs: tokenizer.json, or where there is none vocab.json and
// merges.txt, with a tokenizer_config.json beside it or without.
func fromPublished(saved map[string][]byte) (Tokenizer, error) {
	var c publishedConfig
	if text, ok := saved[configName]; ok {
		if err := textio.UnmarshalJSON(text, &c); err != nil {
			return nil, fmt.Errorf("%s: %w", configName, err)
		}
	}
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("%s: %w", configName, err)
	}
	name := modelName
	var m *modelFile
	var err error
	if text, ok := saved[modelName]; ok {
		m, err = parseModel(text)
	} else {
		name = vocabName + " and " + mergesName
		m, err = c.apart(saved)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	t, err := loadPairs(m, true)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return t, nil
}

func (c publishedConfig) check() error {
	for _, token := range []struct {
		key  string
		text publishToken
	}{{"bos_token", c.BosToken}, {"eos_token", c.EosToken}} {
		if token.text != "" && token.text != EndOfText {
			return fmt.Errorf("%s: %q is not supported, only %q", token.key, token.text, EndOfText)
		}
	}
	for _, flag := range []struct {
		key string
		set bool
	}{{"add_prefix_space", c.AddPrefixSpace}, {"add_bos_token", c.AddBos}, {"add_eos_token", c.AddEos}} {
		if flag.set {
			return fmt.Errorf("%s: true is not supported, only false", flag.key)
		}
	}
	return nil
}

// apart reads the form from before there was a tokenizer.json.
func (c publishedConfig) apart(saved map[string][]byte) (*modelFile, error) {
	vocab, merges := saved[vocabName], saved[mergesName]
	if vocab == nil || merges == nil {
		return nil, fmt.Errorf("missing, and so is %s", modelName)
	}
	if classes := []string{"", "GPT2Tokenizer", "GPT2TokenizerFast",
		"PreTrainedTokenizerFast"}; !slices.Contains(classes, c.Class) {
		return nil, fmt.Errorf("of tokenizer_class %q, which is not supported without a %s", c.Class, modelName)
	}
	m := newModelFile(nil)
	if err := textio.UnmarshalJSON(vocab, &m.Model.Vocab); err != nil {
		return nil, err
	}
	m.PreTokenizer = byteLevelStage(false, true)
	_, err := textio.Lines(bytes.NewReader(merges), func(n int, line []byte) error {
		text := string(line)
		if n == 1 && strings.HasPrefix(text, "#version") || strings.TrimSpace(text) == "" {
			return nil
		}
		left, right, ok := strings.Cut(text, " ")
		if !ok || strings.Contains(right, " ") {
			return fmt.Errorf("line %d: %q is not two tokens with a space between", n, text)
		}
		m.Model.Merges = append(m.Model.Merges, mergeLine{left, right})
		return nil
	})
	return m, err
}
