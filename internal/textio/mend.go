package textio

import (
	"fmt"
	"unicode/utf8"
)

// mended counts invalid and valid bytes.
type mended struct {
	bad     int  // bytes that are not part of valid UTF-8
	badLine int  // of the first
	western int  // bad bytes that look like a letter or sign of Windows-1252
	good    int  // bytes of characters beyond ASCII
	last    rune // before the piece
}

// soonEnough bad bytes suffice to judge the encoding before the end.
const soonEnough = 256

// mend replaces each bad byte by U+FFFD. line is the line in which the piece begins.
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

// following counts continuation bytes in valid UTF-8.
func following(piece []byte) (n int) {
	for _, b := range piece {
		n += int(b>>7) &^ int(b>>6)
	}
	return n
}

// verdict refuses text in another encoding; read is the number of bytes so far.
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

// after is the second byte of a piece.
func after(piece []byte) byte {
	if len(piece) == 1 {
		return ' '
	}
	return piece[1]
}

// besideASCII says whether a non-ASCII byte is a plausible neighbour of r in Windows-1252: a letter beside a
// letter, or a sign.
func besideASCII(b byte, r rune) bool {
	if b < 0xC0 {
		return r < utf8.RuneSelf
	}
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
}
