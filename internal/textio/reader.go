package textio

import (
	"bytes"
	"fmt"
	"io"
	"unicode/utf8"
)

// NotText says why what was read is not text, and from which line on where that is known.
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

// Reader reads valid UTF-8, whatever comes in; see the package. What is no text at all fails with a *NotText.
type Reader struct {
	in  io.Reader
	buf []byte
	raw []byte // of buf: what was not handed on yet
	out []byte // to be handed on
	err error  // after that

	held  []byte // not handed on while it seems to be another encoding
	begun bool   // what the head is has been decided
	read  int64
	lines int // line feeds so far
	mended
	marks, markLine int // byte order marks inside the text
}

// bufferSize is how much is read at a time.
const bufferSize = 1 << 16

// NewReader reads text from in.
func NewReader(in io.Reader) *Reader { return &Reader{in: in, buf: make([]byte, bufferSize)} }

// Read implements io.Reader. It waits for no more than one character beyond what is there.
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

// fill reads once and decides what of it can be handed on.
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

// pass hands on a piece that cuts no character.
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

// trimMark leaves out a byte order mark at the head.
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

// Remarks is what the user should know of what was read so far, a sentence each.
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

// WholeRunes is how much of a text can be read without cutting a character: all of it, but for a last character
// that more bytes could complete.
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
