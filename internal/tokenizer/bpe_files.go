package tokenizer

import (
	"errors"
	"fmt"
	"strings"
)

func (t *pairTokenizer) Files() map[string][]byte { return files(t, t.model()) }

func (t *pairTokenizer) model() *modelFile {
	visible := make([]string, len(t.tokens))
	vocab := make(map[string]int32, len(t.tokens))
	for id, token := range t.tokens {
		visible[id] = toVisible(token)
		vocab[visible[id]] = int32(id)
	}
	m := newModelFile(vocab)
	for _, p := range t.merges {
		m.Model.Merges = append(m.Model.Merges, visible[p.left]+" "+visible[p.right])
	}
	m.PreTokenizer = &stage{Type: "ByteLevel", AddPrefixSpace: new(false), TrimOffsets: new(true), UseRegex: new(true)}
	m.Decoder = &stage{Type: "ByteLevel", AddPrefixSpace: new(true), TrimOffsets: new(true), UseRegex: new(true)}
	m.AddedTokens = []addedToken{{ID: t.end(), Content: EndOfText, Special: true}}
	return m
}

// loadPairs reads a byte-level vocabulary with its merges.
func loadPairs(m *modelFile, documents bool) (*pairTokenizer, error) {
	tokens, err := m.pairTokens()
	if err != nil {
		return nil, err
	}
	for b := range 256 {
		if _, ok := m.Model.Vocab[string(byteLevel(byte(b)))]; !ok {
			return nil, fmt.Errorf("model.vocab: lacks %q, byte %d", byteLevel(byte(b)), b)
		}
	}
	merges := make([]pair, 0, len(m.Model.Merges))
	for i, line := range m.Model.Merges {
		p, err := m.pairOf(line)
		if err != nil {
			return nil, fmt.Errorf("model.merges: entry %d: %w", i, err)
		}
		merges = append(merges, p)
	}
	return newPairs("bpe", tokens, merges, documents), m.checkEnd(int32(len(tokens)), true)
}

// pairTokens are the vocabulary's tokens by id, which must run from 0 without a gap.
func (m *modelFile) pairTokens() ([]string, error) {
	bytesOf := map[rune]byte{}
	for b := range 256 {
		bytesOf[byteLevel(byte(b))] = byte(b)
	}
	vocab := m.Model.Vocab
	tokens := make([]string, len(vocab))
	for visible, id := range vocab {
		if visible == "" {
			return nil, errors.New("model.vocab: has an empty token")
		}
		if id < 0 || int(id) >= len(tokens) || tokens[id] != "" {
			return nil, fmt.Errorf("model.vocab: %q has id %d, but ids must run from 0 to %d, each once", visible, id, len(tokens)-1)
		}
		token, ok := fromVisible(visible, bytesOf)
		if !ok {
			return nil, fmt.Errorf("model.vocab: %q has a character that stands for no byte", visible)
		}
		tokens[id] = token
	}
	return tokens, nil
}

// pairOf reads one merge, two visible tokens with a space between, whose result must be a token too.
func (m *modelFile) pairOf(line string) (pair, error) {
	vocab := m.Model.Vocab
	left, right, ok := strings.Cut(line, " ")
	a, okLeft := vocab[left]
	b, okRight := vocab[right]
	if !ok || !okLeft || !okRight {
		return pair{}, fmt.Errorf("%q is not two tokens with a space between", line)
	}
	if _, ok := vocab[left+right]; !ok {
		return pair{}, fmt.Errorf("%q gives %q, which is not in model.vocab", line, left+right)
	}
	return pair{a, b}, nil
}

// toVisible writes bytes as visible characters.
func toVisible(token string) string {
	var b strings.Builder
	for i := range len(token) {
		b.WriteRune(byteLevel(token[i]))
	}
	return b.String()
}

// fromVisible is the reverse; it fails at a character that stands for no byte.
func fromVisible(visible string, bytesOf map[rune]byte) (string, bool) {
	token := make([]byte, 0, len(visible))
	for _, r := range visible {
		b, ok := bytesOf[r]
		if !ok {
			return "", false
		}
		token = append(token, b)
	}
	return string(token), true
}
