package tokenizer

// byteEnd is end-of-text in the byte vocabulary.
const byteEnd = 256

// bytesTokenizer is kind byte: id = byte, and one special.
type bytesTokenizer struct {
	specials Specials
}

func newBytes(documents bool) bytesTokenizer {
	if documents {
		return bytesTokenizer{Specials{Begin: byteEnd, End: byteEnd}}
	}
	return bytesTokenizer{noSpecials}
}

func (bytesTokenizer) Kind() string         { return "byte" }
func (bytesTokenizer) Vocab() int           { return byteEnd + 1 }
func (t bytesTokenizer) Specials() Specials { return t.specials }

func (bytesTokenizer) Encode(dst []int32, text []byte) ([]int32, int) {
	for _, b := range text {
		dst = append(dst, int32(b))
	}
	return dst, 0
}

func (bytesTokenizer) Decode(dst []byte, ids []int32) []byte {
	for _, id := range ids {
		switch {
		case 0 <= id && id < byteEnd:
			dst = append(dst, byte(id))
		case id != byteEnd:
			dst = append(dst, replacement...)
		}
	}
	return dst
}

func (bytesTokenizer) SplitPoint(text []byte) int { return len(text) }

func (t bytesTokenizer) Files() map[string][]byte {
	vocab := make(map[string]int32, byteEnd)
	for b := range byteEnd {
		vocab[string(byteLevel(byte(b)))] = int32(b)
	}
	m := newModelFile(vocab)
	m.PreTokenizer = byteLevelStage(false, false)
	m.Decoder = byteLevelStage(true, true)
	m.AddedTokens = []addedToken{{ID: byteEnd, Content: EndOfText, Special: true}}
	return files(t, m)
}

// byteLevel is the visible character that stands for a byte in a GPT-2 vocabulary: itself where it prints
// in Latin-1, else the next free code point from U+0100 on.
func byteLevel(b byte) rune {
	prints := func(b int) bool { return '!' <= b && b <= '~' || 0xA1 <= b && b <= 0xFF && b != 0xAD }
	if prints(int(b)) {
		return rune(b)
	}
	r := rune(256)
	for c := range int(b) {
		if !prints(c) {
			r++
		}
	}
	return r
}
