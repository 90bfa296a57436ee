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

	"dmtrain/internal/textio"
)

// The files of a saved tokenizer, named as Hugging Face names them. Directories published before there was a
// tokenizer.json have its vocabulary and its merges apart.
const (
	modelName  = "tokenizer.json"
	configName = "tokenizer_config.json"
	vocabName  = "vocab.json"
	mergesName = "merges.txt"
)

// version is that of the files Files writes.
const version = 1

// configFile is tokenizer_config.json as Files writes it.
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
	Version       string          `json:"version"`
	Truncation    json.RawMessage `json:"truncation"`
	Padding       json.RawMessage `json:"padding"`
	AddedTokens   []addedToken    `json:"added_tokens"`
	Normalizer    json.RawMessage `json:"normalizer"`
	PreTokenizer  json.RawMessage `json:"pre_tokenizer"`
	PostProcessor json.RawMessage `json:"post_processor"`
	Decoder       json.RawMessage `json:"decoder"`
	Model         bpeModel        `json:"model"`
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
	Merges       []mergeLine      `json:"merges"`
}

func newModelFile(vocab map[string]int32) *modelFile {
	return &modelFile{
		Version:     "1.0",
		AddedTokens: []addedToken{},
		Model:       bpeModel{Type: "BPE", Vocab: vocab, Merges: []mergeLine{}},
	}
}

// byteLevelStage is a step that turns text into the characters that stand for its bytes, or back.
func byteLevelStage(prefixSpace, regex bool) json.RawMessage {
	return fmt.Appendf(nil, `{"type": "ByteLevel", "add_prefix_space": %t, "trim_offsets": true, "use_regex": %t}`,
		prefixSpace, regex)
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

// encodeLine is a text as JSON on one line.
func encodeLine(s string) []byte { return bytes.TrimSpace(encodeJSON(s)) }

// Load reads the tokenizer saved in a directory: one that Files wrote, or a published one of byte pairs as GPT-2's.
func Load(dir fs.FS) (Tokenizer, error) {
	saved := map[string][]byte{}
	for _, name := range []string{configName, modelName, vocabName, mergesName} {
		b, err := fs.ReadFile(dir, name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		saved[name] = b
	}
	return FromFiles(saved)
}

// FromFiles makes a tokenizer of what its Files gave, or of published files.
func FromFiles(saved map[string][]byte) (Tokenizer, error) {
	var c configFile
	if text, ok := saved[configName]; ok {
		var ours struct {
			Kind    *string `json:"dmtrain_kind"`
			Version *int    `json:"dmtrain_version"`
		}
		if err := textio.UnmarshalJSON(text, &ours); err != nil {
			return nil, fmt.Errorf("%s: %w", configName, err)
		}
		if ours.Kind == nil && ours.Version == nil {
			return fromPublished(saved)
		}
		if err := textio.UnmarshalJSON(text, &c); err != nil {
			return nil, fmt.Errorf("%s: %w", configName, err)
		}
	} else {
		return fromPublished(saved)
	}
	if c.Version != version {
		return nil, fmt.Errorf("%s: dmtrain_version: %d is not a version this program reads (%d)", configName,
			c.Version, version)
	}
	documents, err := c.documents()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", configName, err)
	}
	text, ok := saved[modelName]
	if !ok {
		return nil, fmt.Errorf("%s: missing", modelName)
	}
	m, err := parseModel(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", modelName, err)
	}
	var t Tokenizer
	switch c.Kind {
	case "byte":
		t, err = loadBytes(m, documents)
	case "char":
		t, err = loadChars(m, documents)
	case "bpe":
		t, err = loadPairs(m, documents)
	case "gpt2":
		t, err = loadGPT2(m, documents)
	default:
		return nil, fmt.Errorf("%s: dmtrain_kind: %q is not a tokenizer (%s)", configName, c.Kind,
			strings.Join(kinds, ", "))
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
	if err := m.check(byteLevelWhole); err != nil {
		return nil, err
	}
	if len(m.Model.Merges) > 0 {
		return nil, errors.New("model.merges: bytes have none")
	}
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
	if err := m.check(characters); err != nil {
		return nil, err
	}
	if len(m.Model.Merges) > 0 {
		return nil, errors.New("model.merges: characters have none")
	}
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
	if !documents && len(m.AddedTokens) > 0 {
		return nil, fmt.Errorf("added_tokens: %q has no role in %s", m.AddedTokens[0].Content, configName)
	}
	return newChars(runes, documents), m.checkEnd(int32(len(runes)), documents)
}

// checkEnd refuses added tokens other than end-of-text under the given id, and their absence where one must be added.
func (m *modelFile) checkEnd(id int32, must bool) error {
	for _, a := range m.AddedTokens {
		switch {
		case a.Content != EndOfText:
			return fmt.Errorf("added_tokens: %q is not supported, only %q", a.Content, EndOfText)
		case a.ID != id:
			return fmt.Errorf("added_tokens: %q has id %d where %d is its place", a.Content, a.ID, id)
		case a.SingleWord || a.Lstrip || a.Rstrip:
			return fmt.Errorf("added_tokens: %q: single_word, lstrip and rstrip are not supported", a.Content)
		}
	}
	if must && len(m.AddedTokens) == 0 {
		return fmt.Errorf("added_tokens: must have %q, with id %d", EndOfText, id)
	}
	return nil
}
