package tokenizer

import (
	"bytes"
	"unicode"
	"unicode/utf8"

	"dmtrain/internal/textio"
)

// Byte pairs are merged inside pieces only, and pieces are cut as GPT-2 cuts them (Radford et al. 2019), by the pattern
//
//	's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
//
// A byte that is not part of valid UTF-8 counts as one of [^\s\p{L}\p{N}].

// class is what a character counts as.
type class uint8

const (
	classOther class = iota
	classLetter
	classNumber
	classSpace
)

// classOf is the class and size of a text's first character.
func classOf(text []byte) (class, int) {
	r, size := rune(text[0]), 1
	if r >= utf8.RuneSelf {
		r, size = utf8.DecodeRune(text)
	}
	switch {
	case 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z':
		return classLetter, size
	case unicode.IsSpace(r):
		return classSpace, size
	case unicode.IsLetter(r):
		return classLetter, size
	case unicode.IsNumber(r):
		return classNumber, size
	}
	return classOther, size
}

// firstPiece is the length of a text's first piece.
func firstPiece(text []byte) int {
	if text[0] == '\'' {
		if n := contraction(text); n > 0 {
			return n
		}
	}
	start := 0
	kind, size := classOf(text)
	if text[0] == ' ' && len(text) > 1 {
		if next, n := classOf(text[1:]); next != classSpace {
			start, kind, size = 1, next, n
		}
	}
	end, last := start+size, start
	for end < len(text) {
		k, n := classOf(text[end:])
		if k != kind {
			if kind == classSpace && last > start {
				return last // the last space belongs to what follows, or stands alone
			}
			return end
		}
		last = end
		end += n
	}
	return end
}

// contraction is the length of 's, 't, 're, 've, 'm, 'll or 'd at the beginning of a text, or 0.
func contraction(text []byte) int {
	if len(text) < 2 {
		return 0
	}
	switch text[1] {
	case 's', 't', 'm', 'd':
		return 2
	case 'r', 'v', 'l':
		if end := longContraction(text[1]); len(text) > 2 && text[2] == end {
			return 3
		}
	}
	return 0
}

// longContraction is the second letter of the contraction that begins with r, v or l.
func longContraction(first byte) byte {
	if first == 'l' {
		return 'l'
	}
	return 'e'
}

// settled is the length of those pieces of a text that are the same however the text goes on.
func settled(text []byte) int {
	text = text[:textio.WholeRunes(text)]
	from := sureBoundary(text)
	for from < len(text) {
		n := firstPiece(text[from:])
		if from+n == len(text) || openContraction(text[from:]) {
			break
		}
		from += n
	}
	return from
}

// openContraction reports whether one more letter could make all of the text a contraction.
func openContraction(text []byte) bool {
	return len(text) == 2 && text[0] == '\'' && (text[1] == 'r' || text[1] == 'v' || text[1] == 'l')
}

// sureBoundary is a place late in the text where a piece begins whatever comes before: a space between two printing
// ASCII characters. It is 0 where there is none.
func sureBoundary(text []byte) int {
	prints := func(b byte) bool { return '!' <= b && b <= '~' }
	for at := bytes.LastIndexByte(text, ' '); at > 0; at = bytes.LastIndexByte(text[:at], ' ') {
		if prints(text[at-1]) && at+1 < len(text) && prints(text[at+1]) {
			return at
		}
	}
	return 0
}
