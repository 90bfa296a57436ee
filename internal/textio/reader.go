package textio

import (
	"bytes"
	"fmt"
	"io"
	"unicode/utf8"
)

// NotText says why input is not text, and from which line on, if known.
type NotText struct {
	Line   int // from 1; 0: all of it
	Reason string
}

func (e *NotText) Error() string {
	if e.Line == 0 {
		return e.Reason
	}
	return fmt.Sprintf("line %d: %s", e.Line, e.Reason)
}

// Reader turns any input into valid UTF-8, by the rules of the package. Input that is not text is a *NotText.
type Reader struct {
	in  io.Reader
	buf []byte
	raw []byte // part of buf that was not processed yet
	out []byte // to return
	err error  // after out

	held  []byte // held back while it may be another encoding
	begun bool   // the head was examined
	read  int64
	lines int // line feeds so far
	mended
	marks, markLine int // byte order marks inside the text
}

// bufferSize is the number of bytes read at a time.
const bufferSize = 1 << 16

// NewReader reads text from in.
func NewReader(in io.Reader) *Reader { return &Reader{in: in, buf: make([]byte, bufferSize)} }

// Read implements io.Reader. It does not wait for more input than an incomplete character needs.
func (r *Reader) Read(p []byte) (int, error) {
	for len(r.out) == 0 {
		if r.err != nil {
			return 0, r.err
		}
		r.fill()
	}
	n := copy(p, r.out)
	r.out = r.out[n:]
	return n, nil
}

// fill reads once and passes on what it can.
func (r *Reader) fill() {
	kept := copy(r.buf, r.raw)
	n, err := r.in.Read(r.buf[kept:])
	r.raw = r.buf[:kept+n]
	end := err == io.EOF
	if err != nil && !end {
		r.err = err
		return
	}
	if !r.begun {
		if !end && headMayGoOn(r.raw) {
			return
		}
		r.begun = true
		if kind := Foreign(r.raw); kind != "" {
			r.err = &NotText{Reason: "not text but " + kind}
			return
		}
		r.raw = trimMark(r.raw)
	}
	whole := r.raw
	if !end {
		whole = r.raw[:WholeRunes(r.raw)]
	}
	r.pass(whole)
	r.raw = r.raw[len(whole):]
	if r.err == nil && end {
		if r.err = r.verdict(r.read); r.err == nil {
			r.err = io.EOF
		}
	}
}

// pass passes on a piece that ends between characters.
func (r *Reader) pass(piece []byte) {
	if at := bytes.IndexByte(piece, 0); at >= 0 {
		line := r.lines + 1 + bytes.Count(piece[:at], newline)
		r.err = &NotText{line, whatHasNULs(piece, r.read)}
		return
	}
	r.read += int64(len(piece))
	r.remarkMarks(piece)
	mended := r.mend(piece, r.lines+1)
	r.lines += bytes.Count(piece, newline)
	switch refused := r.verdict(r.read); {
	case refused == nil && len(r.held) == 0:
		r.out = mended
	case refused == nil:
		r.out, r.held = append(r.held, mended...), nil
	case r.bad >= soonEnough:
		r.err = refused
	default:
		r.held = append(r.held, mended...)
	}
}

var (
	newline = []byte("\n")
	mark    = []byte("\uFEFF")
)

// trimMark removes a byte order mark at the beginning.
func trimMark(head []byte) []byte { return bytes.TrimPrefix(head, mark) }

// remarkMarks counts byte order marks inside the text.
func (r *Reader) remarkMarks(piece []byte) {
	if n := bytes.Count(piece, mark); n > 0 {
		if r.marks == 0 {
			r.markLine = r.lines + 1 + bytes.Count(piece[:bytes.Index(piece, mark)], newline)
		}
		r.marks += n
	}
}

// Remarks are warnings for the user about the input so far.
func (r *Reader) Remarks() (all []string) {
	if r.bad > 0 {
		all = append(all, fmt.Sprintf("line %d: not UTF-8; %s as U+FFFD", r.badLine, readAs(r.bad, "byte")))
	}
	if r.marks > 0 {
		all = append(all, fmt.Sprintf("line %d: a byte order mark inside the text; %s as U+FEFF (files put together?)",
			r.markLine, readAs(r.marks, "mark")))
	}
	return all
}

func readAs(n int, what string) string {
	if n == 1 {
		return "the " + what + " reads"
	}
	return fmt.Sprintf("%d %ss in all read", n, what)
}

// WholeRunes is the number of bytes of a text before an incomplete last character.
func WholeRunes(text []byte) int {
	for back := 1; back < utf8.UTFMax && back <= len(text); back++ {
		if at := len(text) - back; utf8.RuneStart(text[at]) {
			if !utf8.FullRune(text[at:]) {
				return at
			}
			break
		}
	}
	return len(text)
}
