package tokenizer

import (
	"encoding/json"
	"unicode/utf8"

	"dmtrain/internal/textio"
)

// replacement is U+FFFD, which stands for what is not text.
const replacement = string(utf8.RuneError)

// charsTokenizer is kind char: id = rank of the character by code point. A byte that is not part of
// valid UTF-8 reads as U+FFFD, which is a character like any other: known if the training text had it.
type charsTokenizer struct {
	runes    []rune // sorted
	ids      map[rune]int32
	ascii    [utf8.RuneSelf]int32 // the ids again, for speed; −1 is unknown
	specials Specials
}

// newChars makes a vocabulary of sorted characters, and of end-of-text where there are documents.
func newChars(runes []rune, documents bool) *charsTokenizer {
	t := &charsTokenizer{runes: runes, ids: make(map[rune]int32, len(runes)), specials: noSpecials}
	for i := range t.ascii {
		t.ascii[i] = -1
	}
	for i, r := range runes {
		t.ids[r] = int32(i)
		if r < utf8.RuneSelf {
			t.ascii[r] = int32(i)
		}
	}
	if documents {
		end := int32(len(runes))
		t.specials = Specials{Begin: end, End: end}
	}
	return t
}

func (t *charsTokenizer) Kind() string       { return "char" }
func (t *charsTokenizer) Specials() Specials { return t.specials }

func (t *charsTokenizer) Vocab() int {
	if t.specials.End >= 0 {
		return len(t.runes) + 1
	}
	return len(t.runes)
}

func (t *charsTokenizer) Encode(dst []int32, text []byte) (ids []int32, unknown int) {
	for len(text) > 0 {
		id, size := t.first(text)
		if id >= 0 {
			dst = append(dst, id)
		} else {
			unknown++
		}
		text = text[size:]
	}
	return dst, unknown
}

// first is the id of a text's first character, −1 if unknown, and its size in bytes.
func (t *charsTokenizer) first(text []byte) (id int32, size int) {
	if text[0] < utf8.RuneSelf {
		return t.ascii[text[0]], 1
	}
	r, size := utf8.DecodeRune(text)
	if id, ok := t.ids[r]; ok {
		return id, size
	}
	return -1, size
}

func (t *charsTokenizer) Decode(dst []byte, ids []int32) []byte {
	for _, id := range ids {
		switch {
		case 0 <= id && int(id) < len(t.runes):
			dst = utf8.AppendRune(dst, t.runes[id])
		case id < 0 || id != t.specials.End:
			dst = append(dst, replacement...)
		}
	}
	return dst
}

func (t *charsTokenizer) SplitPoint(text []byte) int { return textio.WholeRunes(text) }

func (t *charsTokenizer) Files() map[string][]byte {
	vocab := make(map[string]int32, len(t.runes))
	for i, r := range t.runes {
		vocab[string(r)] = int32(i)
	}
	m := newModelFile(vocab)
	m.Decoder = json.RawMessage(`{"type": "Fuse"}`)
	if end := t.specials.End; end >= 0 {
		m.AddedTokens = []addedToken{{ID: end, Content: EndOfText, Special: true}}
	}
	return files(t, m)
}
