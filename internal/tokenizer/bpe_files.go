package tokenizer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

func (t *pairTokenizer) Files() map[string][]byte { return files(t, t.model()) }

func (t *pairTokenizer) model() *modelFile {
	visible := make([]string, len(t.tokens))
	vocab := make(map[string]int32, len(t.tokens))
	for id, token := range t.tokens {
		if int32(id) != t.end {
			visible[id] = toVisible(token)
			vocab[visible[id]] = int32(id)
		}
	}
	if int(t.end) != len(t.tokens)-1 { // readers number added tokens from there on
		vocab[EndOfText] = t.end
	}
	m := newModelFile(vocab)
	for _, p := range t.merges {
		m.Model.Merges = append(m.Model.Merges, mergeLine{visible[p.left], visible[p.right]})
	}
	m.PreTokenizer = byteLevelStage(false, true)
	m.Decoder = byteLevelStage(true, true)
	m.AddedTokens = []addedToken{{ID: t.end, Content: EndOfText, Special: true}}
	return m
}

// mergeLine is a merge: two visible tokens. Files have it as one text with a space between, or as a list of two.
type mergeLine struct{ left, right string }

// MarshalJSON implements json.Marshaler.
func (m mergeLine) MarshalJSON() ([]byte, error) { return encodeLine(m.left + " " + m.right), nil }

// UnmarshalJSON implements json.Unmarshaler.
func (m *mergeLine) UnmarshalJSON(b []byte) error {
	var two []string
	if json.Unmarshal(b, &two) == nil && len(two) == 2 {
		m.left, m.right = two[0], two[1]
		return nil
	}
	var line string
	if json.Unmarshal(b, &line) == nil {
		m.left, m.right, _ = strings.Cut(line, " ")
		return nil
	}
	var flat bytes.Buffer
	if err := json.Compact(&flat, b); err != nil {
		return err
	}
	return fmt.Errorf("model.merges: %.60s is neither two tokens with a space between nor a list of two", flat.Bytes())
}

// loadPairs reads a byte-level vocabulary with its merges.
func loadPairs(m *modelFile, documents bool) (*pairTokenizer, error) {
	if err := m.check(byteLevelPieces); err != nil {
		return nil, err
	}
	tokens, end, err := m.pairTokens()
	if err != nil {
		return nil, err
	}
	for b := range 256 {
		if _, ok := m.Model.Vocab[string(byteLevel(byte(b)))]; !ok {
			return nil, fmt.Errorf("model.vocab: lacks %q, byte %d", byteLevel(byte(b)), b)
		}
	}
	merges := make([]pair, 0, len(m.Model.Merges))
	seen := make(map[pair]bool, len(m.Model.Merges))
	for i, line := range m.Model.Merges {
		p, err := m.pairOf(line)
		if err == nil && seen[p] {
			err = fmt.Errorf("%q %q stands there twice", line.left, line.right)
		}
		if err != nil {
			return nil, fmt.Errorf("model.merges: entry %d: %w", i, err)
		}
		seen[p] = true
		merges = append(merges, p)
	}
	return newPairs("bpe", tokens, end, merges, documents), nil
}

// pairTokens are the tokens by id, and the id of end-of-text, which may be in the vocabulary too, under the same
// id. Ids must run from 0 without a gap.
func (m *modelFile) pairTokens() (tokens []string, end int32, err error) {
	vocab := m.Model.Vocab
	end, inside := vocab[EndOfText]
	size := len(vocab)
	if !inside {
		end = int32(size)
		size++
	}
	if err := m.checkEnd(end, !inside); err != nil {
		return nil, 0, err
	}
	bytesOf := map[rune]byte{}
	for b := range 256 {
		bytesOf[byteLevel(byte(b))] = byte(b)
	}
	tokens = make([]string, size)
	for visible, id := range vocab {
		if visible == "" {
			return nil, 0, errors.New("model.vocab: has an empty token")
		}
		if id < 0 || int(id) >= size || tokens[id] != "" || (visible != EndOfText && id == end) {
			return nil, 0, fmt.Errorf("model.vocab: %q has id %d, but ids must run from 0 to %d, each once", visible,
				id, size-1)
		}
		if visible == EndOfText {
			continue
		}
		token, ok := fromVisible(visible, bytesOf)
		if !ok {
			return nil, 0, fmt.Errorf("model.vocab: %q has a character that stands for no byte", visible)
		}
		tokens[id] = token
	}
	return tokens, end, nil
}

// pairOf finds the tokens of a merge, whose result must be a token too.
func (m *modelFile) pairOf(line mergeLine) (pair, error) {
	vocab := m.Model.Vocab
	a, okLeft := vocab[line.left]
	b, okRight := vocab[line.right]
	if !okLeft || !okRight || line.left == EndOfText || line.right == EndOfText {
		return pair{}, fmt.Errorf("%q %q are not two tokens of model.vocab", line.left, line.right)
	}
	if result := line.left + line.right; result == EndOfText {
		return pair{}, fmt.Errorf("gives %s, which no text may come to", EndOfText)
	} else if _, ok := vocab[result]; !ok {
		return pair{}, fmt.Errorf("%q %q gives %q, which is not in model.vocab", line.left, line.right, result)
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
