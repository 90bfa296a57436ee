package tokenizer

import "unicode/utf8"

// Stream decodes tokens as they come into pieces of valid UTF-8. Bytes of an unfinished character are held
// back until it is whole; a byte that can't be part of one becomes U+FFFD.
type Stream struct {
	tokenizer Tokenizer
	held      []byte
	id        [1]int32
	out       []byte
}

// NewStream starts a text.
func NewStream(t Tokenizer) *Stream { return &Stream{tokenizer: t} }

// Next is the text that one more token makes certain: often a character, sometimes nothing.
func (s *Stream) Next(id int32) string {
	s.id[0] = id
	s.held = s.tokenizer.Decode(s.held, s.id[:])
	return s.release(false)
}

// Flush ends the text: whatever is still held back is not going to be whole.
func (s *Stream) Flush() string { return s.release(true) }

func (s *Stream) release(all bool) string {
	s.out = s.out[:0]
	rest := s.held
	for len(rest) > 0 && (all || utf8.FullRune(rest)) {
		r, size := utf8.DecodeRune(rest)
		s.out = utf8.AppendRune(s.out, r)
		rest = rest[size:]
	}
	s.held = s.held[:copy(s.held, rest)]
	return string(s.out)
}

// Printable makes a text safe to show on a terminal: control characters other than line feed and tab,
// which a model of bytes may utter and a terminal may obey, become U+FFFD.
func Printable(text string) string {
	for i, r := range text {
		if control(r) {
			out := []byte(text[:i])
			for _, r := range text[i:] {
				if control(r) {
					r = utf8.RuneError
				}
				out = utf8.AppendRune(out, r)
			}
			return string(out)
		}
	}
	return text
}

func control(r rune) bool {
	return r < ' ' && r != '\n' && r != '\t' || 0x7F <= r && r < 0xA0
}
