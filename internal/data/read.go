package data

import (
	"bytes"
	"errors"
	"io"
	"slices"

	"dmtrain/internal/textio"
)

// readSize is the number of bytes read and encoded at a time.
const readSize = 1 << 20

// reader streams an input's documents in pieces.
type reader struct {
	separator []byte
	split     func(text []byte) int              // where a piece may end: Tokenizer.SplitPoint
	piece     func(text []byte, last bool) error // receives the pieces; last ends a document
	blank     []byte                             // white space that begins a document, held back
	begun     bool                               // the document has more than white space
}

// read streams an input. It skips documents of nothing but white space.
func read(s *input, separator string, split func([]byte) int, piece func([]byte, bool) error) error {
	if s.separator != "" {
		separator = s.separator
	}
	r := reader{separator: []byte(separator), split: split, piece: piece}
	f, err := s.reader()
	if err != nil {
		return bare(err)
	}
	defer f.Close()
	utf8 := textio.NewReader(f)
	err = r.readFrom(utf8, int(min(readSize, s.size+1)))
	s.remarks = utf8.Remarks()
	return bare(err)
}

// readFrom reads size bytes at a time.
func (r *reader) readFrom(f io.Reader, size int) error {
	buf := make([]byte, 0, size+64) // room for the rest of a piece
	for {
		buf = slices.Grow(buf, size)
		n, err := io.ReadFull(f, buf[len(buf):len(buf)+size])
		buf = buf[:len(buf)+n]
		end := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
		if err != nil && !end {
			return err
		}
		used, err := r.cut(buf, end)
		if err != nil || end {
			return err
		}
		buf = buf[:copy(buf, buf[used:])]
	}
}

// cut emits the documents and pieces at the beginning of a text, and returns how many bytes they are.
func (r *reader) cut(text []byte, end bool) (used int, err error) {
	if len(r.separator) > 0 {
		for {
			n := bytes.Index(text[used:], r.separator)
			if n < 0 {
				break
			}
			if err := r.emit(text[used:used+n], true); err != nil {
				return used, err
			}
			used += n + len(r.separator)
		}
	}
	rest := text[used:]
	if end {
		return len(text), r.emit(rest, true)
	}
	if keep := len(r.separator) - 1; keep > 0 { // the rest may begin a separator
		rest = rest[:max(0, len(rest)-keep)]
	}
	n := r.split(rest)
	if n == 0 {
		return used, nil
	}
	return used + n, r.emit(rest[:n], false)
}

// emit passes a piece on, but holds back white space that begins a document.
func (r *reader) emit(text []byte, last bool) error {
	if !r.begun {
		if len(bytes.TrimSpace(text)) == 0 && len(r.blank)+len(text) <= readSize {
			if r.blank = append(r.blank, text...); last {
				r.blank = r.blank[:0]
			}
			return nil
		}
		r.begun = true
		if len(r.blank) > 0 {
			if err := r.piece(r.blank, false); err != nil {
				return err
			}
			r.blank = r.blank[:0]
		}
	}
	if last {
		r.begun = false
	}
	return r.piece(text, last)
}
