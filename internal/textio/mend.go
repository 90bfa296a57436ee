package textio

import (
	"fmt"
	"unicode/utf8"
)

// mended counts what is not UTF-8, and what is.
type mended struct {
	bad     int  // bytes that are no part of a character
	badLine int  // of the first
	western int  // of bad, those that stand as a letter or a sign of Windows-1252 does
	good    int  // bytes of characters beyond ASCII
	last    rune // before the piece
}

// soonEnough is how many bad bytes are enough to tell before the end what they are.
const soonEnough = 256

// mend puts U+FFFD in place of each bad byte. The piece begins in the given line.
func (m *mended) mend(piece []byte, line int) []byte {
	if utf8.Valid(piece) {
		m.good += following(piece)
		m.last, _ = utf8.DecodeLastRune(piece)
		return piece
	}
	out := make([]byte, 0, len(piece)+64)
	for len(piece) > 0 {
		r, size := utf8.DecodeRune(piece)
		out = utf8.AppendRune(out, r)
		switch {
		case r == utf8.RuneError && size == 1:
			if m.bad++; m.bad == 1 {
				m.badLine = line
			}
			if next := after(piece); besideASCII(piece[0], m.last) || besideASCII(piece[0], rune(next)) {
				m.western++
			}
		case size > 1:
			m.good += size - 1
		case r == '\n':
			line++
		}
		m.last = r
		piece = piece[size:]
	}
	return out
}

// following counts the bytes of valid UTF-8 that are not the first of a character.
func following(piece []byte) (n int) {
	for _, b := range piece {
		n += int(b>>7) &^ int(b>>6)
	}
	return n
}

// verdict refuses what is another encoding, of so many bytes read.
func (m *mended) verdict(read int64) error {
	few := int64(m.bad)*1000 <= read
	if few || m.bad <= m.good && int64(m.bad)*10 <= read {
		return nil
	}
	kind, name := "not UTF-8 but another encoding (Shift JIS, GB 18030, Windows-1251, …), or damaged", "ENCODING"
	if m.western*3 >= m.bad*2 {
		kind, name = "not UTF-8 but, as it seems, Windows-1252 or Latin-1", "WINDOWS-1252"
	}
	return &NotText{m.badLine, fmt.Sprintf("%s (%d of %d bytes are no UTF-8): convert it, as by iconv -f %s -t UTF-8",
		kind, m.bad, read, name)}
}

// after is the byte behind the first of a piece.
func after(piece []byte) byte {
	if len(piece) == 1 {
		return ' '
	}
	return piece[1]
}

// besideASCII says whether a byte beyond ASCII is one of Windows-1252 that may stand beside r: a letter beside a
// letter, a sign beside any.
func besideASCII(b byte, r rune) bool {
	if b < 0xC0 {
		return r < utf8.RuneSelf
	}
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
}
