package tokenizer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"unicode/utf8"
)

// The files of a saved tokenizer, named as Hugging Face names them.
const (
	modelName  = "tokenizer.json"
	configName = "tokenizer_config.json"
)

// version is that of the files Files writes.
const version = 1

// configFile is tokenizer_config.json.
type configFile struct {
	Class    string `json:"tokenizer_class"`
	CleanUp  bool   `json:"clean_up_tokenization_spaces"`
	BosToken string `json:"bos_token,omitempty"`
	EosToken string `json:"eos_token,omitempty"`
	Kind     string `json:"dmtrain_kind"`
	Version  int    `json:"dmtrain_version"`
}

// modelFile is tokenizer.json. The fields that stay null must be there for Hugging Face's reader.
type modelFile struct {
	Version       string       `json:"version"`
	Truncation    *struct{}    `json:"truncation"`
	Padding       *struct{}    `json:"padding"`
	AddedTokens   []addedToken `json:"added_tokens"`
	Normalizer    *struct{}    `json:"normalizer"`
	PreTokenizer  *stage       `json:"pre_tokenizer"`
	PostProcessor *struct{}    `json:"post_processor"`
	Decoder       *stage       `json:"decoder"`
	Model         bpeModel     `json:"model"`
}

type addedToken struct {
	ID         int32  `json:"id"`
	Content    string `json:"content"`
	SingleWord bool   `json:"single_word"`
	Lstrip     bool   `json:"lstrip"`
	Rstrip     bool   `json:"rstrip"`
	Normalized bool   `json:"normalized"`
	Special    bool   `json:"special"`
}

// stage is a pre-tokenizer or a decoder.
type stage struct {
	Type           string `json:"type"`
	AddPrefixSpace *bool  `json:"add_prefix_space,omitempty"`
	TrimOffsets    *bool  `json:"trim_offsets,omitempty"`
	UseRegex       *bool  `json:"use_regex,omitempty"`
}

type bpeModel struct {
	Type         string           `json:"type"`
	Dropout      *float64         `json:"dropout"`
	UnkToken     *string          `json:"unk_token"`
	Prefix       *string          `json:"continuing_subword_prefix"`
	Suffix       *string          `json:"end_of_word_suffix"`
	FuseUnk      bool             `json:"fuse_unk"`
	ByteFallback bool             `json:"byte_fallback"`
	IgnoreMerges bool             `json:"ignore_merges"`
	Vocab        map[string]int32 `json:"vocab"`
	Merges       []string         `json:"merges"`
}

func newModelFile(vocab map[string]int32) *modelFile {
	return &modelFile{
		Version:     "1.0",
		AddedTokens: []addedToken{},
		Model:       bpeModel{Type: "BPE", Vocab: vocab, Merges: []string{}},
	}
}

// files are the saved form of a tokenizer whose model is m.
func files(t Tokenizer, m *modelFile) map[string][]byte {
	c := configFile{Class: "PreTrainedTokenizerFast", Kind: t.Kind(), Version: version}
	if t.Specials().Begin >= 0 {
		c.BosToken = EndOfText
	}
	if t.Specials().End >= 0 {
		c.EosToken = EndOfText
	}
	return map[string][]byte{modelName: encodeJSON(m), configName: encodeJSON(c)}
}

func encodeJSON(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if e.Encode(v) != nil {
		panic("tokenizer: unencodable file")
	}
	return b.Bytes()
}

// Load reads the tokenizer saved in a directory.
func Load(dir fs.FS) (Tokenizer, error) {
	saved := map[string][]byte{}
	for _, name := range []string{configName, modelName} {
		b, err := fs.ReadFile(dir, name)
		if err != nil {
			return nil, err
		}
		saved[name] = b
	}
	return FromFiles(saved)
}

// FromFiles makes a tokenizer of what its Files gave.
func FromFiles(saved map[string][]byte) (Tokenizer, error) {
	var c configFile
	if err := decodeJSON(saved, configName, &c); err != nil {
		return nil, err
	}
	if c.Version != version {
		return nil, fmt.Errorf("%s: dmtrain_version: %d is not a version this program reads (%d)", configName, c.Version, version)
	}
	documents, err := c.documents()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", configName, err)
	}
	var m modelFile
	if err := decodeJSON(saved, modelName, &m); err != nil {
		return nil, err
	}
	var t Tokenizer
	switch c.Kind {
	case "byte":
		t, err = loadBytes(&m, documents)
	case "char":
		t, err = loadChars(&m, documents)
	case "bpe":
		t, err = loadPairs(&m, documents)
	case "gpt2":
		t, err = loadGPT2(&m, documents)
	default:
		return nil, fmt.Errorf("%s: dmtrain_kind: %q is not a tokenizer (%s)", configName, c.Kind, strings.Join(kinds, ", "))
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", modelName, err)
	}
	return t, nil
}

// documents says whether the saved tokenizer begins and ends documents.
func (c *configFile) documents() (bool, error) {
	if c.BosToken == "" && c.EosToken == "" {
		return false, nil
	}
	if c.BosToken != EndOfText || c.EosToken != EndOfText {
		return false, fmt.Errorf("bos_token and eos_token must both be %q, or both be absent", EndOfText)
	}
	return true, nil
}

func loadBytes(m *modelFile, documents bool) (Tokenizer, error) {
	if len(m.Model.Vocab) != byteEnd {
		return nil, fmt.Errorf("model.vocab: %d tokens where bytes have %d", len(m.Model.Vocab), byteEnd)
	}
	for b := range byteEnd {
		token := string(byteLevel(byte(b)))
		if id, ok := m.Model.Vocab[token]; !ok || id != int32(b) {
			return nil, fmt.Errorf("model.vocab: byte %d must be token %q with that id", b, token)
		}
	}
	return newBytes(documents), m.checkEnd(byteEnd, true)
}

func loadChars(m *modelFile, documents bool) (Tokenizer, error) {
	runes := make([]rune, 0, len(m.Model.Vocab))
	for token := range m.Model.Vocab {
		r, size := utf8.DecodeRuneInString(token)
		if size == 0 || size != len(token) {
			return nil, fmt.Errorf("model.vocab: %q is not one character", token)
		}
		runes = append(runes, r)
	}
	slices.Sort(runes)
	for i, r := range runes {
		if id := m.Model.Vocab[string(r)]; id != int32(i) {
			return nil, fmt.Errorf("model.vocab: %q has id %d where its rank by code point is %d", r, id, i)
		}
	}
	if len(runes) == 0 {
		return nil, errors.New("model.vocab: empty")
	}
	return newChars(runes, documents), m.checkEnd(int32(len(runes)), documents)
}

// checkEnd refuses special tokens other than end-of-text with the given id, or any where it is unwanted.
func (m *modelFile) checkEnd(id int32, want bool) error {
	if want {
		if len(m.AddedTokens) != 1 || m.AddedTokens[0].Content != EndOfText || m.AddedTokens[0].ID != id {
			return fmt.Errorf("added_tokens: must be %q alone, with id %d", EndOfText, id)
		}
		return nil
	}
	if len(m.AddedTokens) != 0 {
		return fmt.Errorf("added_tokens: %q has no role in %s", m.AddedTokens[0].Content, configName)
	}
	return nil
}

func decodeJSON(saved map[string][]byte, name string, v any) error {
	b, ok := saved[name]
	if !ok {
		return fmt.Errorf("%s: missing", name)
	}
	if err := json.Unmarshal(b, v); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}
