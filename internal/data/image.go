package data

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"

	"dmtrain/internal/tokenizer"
)

// An image is an encoded text, in memory or in the cache, all integers little-endian:
//
//	magic      16 bytes
//	tokens     width bytes each, documents' Begin and End included
//	starts     8 bytes each: the index of each document's first token, then the number of tokens
//	meta       JSON
//	footer     lengths of the above and a CRC-32C of all that stands before it
type image struct {
	width  int
	tokens []byte
	starts []byte // documents + 1
	crc    uint32 // of the text's tokens, however they are split
	meta   meta
	close  func() error // gives a mapping back; nil in memory
}

// meta is what an image says of itself.
type meta struct {
	Tokenizer map[string][]byte // its Files
	Unknown   int               // characters left out
	Warnings  []string          // what was passed over
	Cuts      []int             `json:",omitempty"` // the first token of each part behind the first
	Before    []int             `json:",omitempty"` // of Unknown, those before each cut
}

// unsplit is the part that says what the whole text is.
func (m meta) unsplit() meta {
	m.Cuts, m.Before = nil, nil
	return m
}

const imageMagic = "dmtrain tokens 1"

type footer struct {
	Tokens, Documents, Meta uint64
	Width, CRC              uint32
}

var (
	footerSize = binary.Size(footer{})
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
)

// errCorrupt is an image that isn't what was written.
var errCorrupt = errors.New("damaged token cache")

// parseImage finds its way in an image's bytes, which it keeps, and refuses damaged ones.
func parseImage(b []byte) (*image, error) {
	if len(b) < len(imageMagic)+8+footerSize || string(b[:len(imageMagic)]) != imageMagic {
		return nil, errCorrupt
	}
	var f footer
	body := b[:len(b)-footerSize]
	if err := binary.Read(bytes.NewReader(b[len(body):]), binary.LittleEndian, &f); err != nil {
		return nil, errCorrupt
	}
	room := uint64(len(body) - len(imageMagic))
	if f.Width != 2 && f.Width != 4 || f.Tokens > room || f.Documents > room || f.Meta > room ||
		f.Tokens*uint64(f.Width)+8*(f.Documents+1)+f.Meta != room {
		return nil, errCorrupt
	}
	text := crc32.Checksum(body[:len(body)-int(f.Meta)], castagnoli)
	if crc32.Update(text, castagnoli, body[len(body)-int(f.Meta):]) != f.CRC {
		return nil, errCorrupt
	}
	m := &image{width: int(f.Width)}
	rest := body[len(imageMagic):]
	m.tokens, rest = rest[:f.Tokens*uint64(f.Width)], rest[f.Tokens*uint64(f.Width):]
	m.starts, rest = rest[:8*(f.Documents+1)], rest[8*(f.Documents+1):]
	if json.Unmarshal(rest, &m.meta) != nil || !m.ordered() {
		return nil, errCorrupt
	}
	whole, err := json.Marshal(m.meta.unsplit())
	m.crc = crc32.Update(text, castagnoli, whole)
	return m, err
}

// unknown is how many characters of each part were left out.
func (m *image) unknown() []int {
	var parts []int
	before := 0
	for _, n := range append(m.meta.Before[:len(m.meta.Before):len(m.meta.Before)], m.meta.Unknown) {
		parts, before = append(parts, n-before), n
	}
	return parts
}

// ordered is true if every token is in one document, no document is empty, and the cuts are in order.
func (m *image) ordered() bool {
	for d := range m.documents() {
		if m.start(d) >= m.start(d+1) {
			return false
		}
	}
	last := 0
	for _, cut := range m.meta.Cuts {
		if cut < last || cut > m.len() {
			return false
		}
		last = cut
	}
	return m.start(0) == 0 && m.start(m.documents()) == m.len() && len(m.meta.Before) == len(m.meta.Cuts)
}

func (m *image) documents() int { return len(m.starts)/8 - 1 }

func (m *image) len() int { return len(m.tokens) / m.width }

func (m *image) start(d int) int { return int(binary.LittleEndian.Uint64(m.starts[8*d:])) }

func (m *image) token(i int) int32 {
	if m.width == 2 {
		return int32(binary.LittleEndian.Uint16(m.tokens[2*i:]))
	}
	return int32(binary.LittleEndian.Uint32(m.tokens[4*i:]))
}

// copy fills dst with the tokens from index i on.
func (m *image) copy(dst []int32, i int) {
	if m.width == 2 {
		b := m.tokens[2*i:][:2*len(dst)]
		for k := range dst {
			dst[k] = int32(binary.LittleEndian.Uint16(b[2*k:]))
		}
		return
	}
	b := m.tokens[4*i:][:4*len(dst)]
	for k := range dst {
		dst[k] = int32(binary.LittleEndian.Uint32(b[4*k:]))
	}
}

// document is the one that holds token i.
func (m *image) document(i int) int {
	lo, hi := 0, m.documents() // start(lo) ≤ i < start(hi)
	for hi-lo > 1 {
		if mid := int(uint(lo+hi) / 2); m.start(mid) <= i {
			lo = mid
		} else {
			hi = mid
		}
	}
	return lo
}

// imageWriter writes an image as its tokens come.
type imageWriter struct {
	w       *bufio.Writer
	crc     uint32
	width   int
	n       int    // tokens so far
	start   int    // of the document being written
	lengths []byte // of the documents before it, as varints: a text can have very many
	buf     []byte
}

func newImageWriter(w io.Writer, vocab int) *imageWriter {
	width := 4
	if vocab <= math.MaxUint16+1 {
		width = 2
	}
	i := &imageWriter{w: bufio.NewWriterSize(w, readSize), width: width}
	i.write([]byte(imageMagic))
	return i
}

// write leaves errors to the flush in finish.
func (w *imageWriter) write(b []byte) {
	w.crc = crc32.Update(w.crc, castagnoli, b)
	w.w.Write(b)
}

// begin starts a document. One without tokens leaves no trace.
func (w *imageWriter) begin() {
	if w.n > w.start {
		w.lengths = binary.AppendUvarint(w.lengths, uint64(w.n-w.start))
		w.start = w.n
	}
}

func (w *imageWriter) add(ids ...int32) {
	w.buf = w.buf[:0]
	for _, id := range ids {
		if w.width == 2 {
			w.buf = binary.LittleEndian.AppendUint16(w.buf, uint16(id))
		} else {
			w.buf = binary.LittleEndian.AppendUint32(w.buf, uint32(id))
		}
	}
	w.n += len(ids)
	w.write(w.buf)
}

func (w *imageWriter) finish(m meta) error {
	w.begin() // nothing more, but it ends the last document
	documents := w.writeStarts()
	b, err := json.Marshal(m)
	if err != nil {
		return err
	}
	w.write(b)
	f := footer{uint64(w.n), documents, uint64(len(b)), uint32(w.width), w.crc}
	if err := binary.Write(w.w, binary.LittleEndian, f); err != nil {
		return err
	}
	return w.w.Flush()
}

// writeStarts writes the documents' starts and the end of the last, and counts the documents.
func (w *imageWriter) writeStarts() (documents uint64) {
	w.writeStart(0)
	start := uint64(0)
	for rest := w.lengths; len(rest) > 0; documents++ {
		length, n := binary.Uvarint(rest)
		start += length
		w.writeStart(start)
		rest = rest[n:]
	}
	return documents
}

func (w *imageWriter) writeStart(start uint64) {
	w.buf = binary.LittleEndian.AppendUint64(w.buf[:0], start)
	w.write(w.buf)
}

// encode writes the image of some sources.
func (e *encoding) encode(out io.Writer, texts []source, t tokenizer.Tokenizer, c *cutter) error {
	w := newImageWriter(out, t.Vocab())
	m := meta{Tokenizer: t.Files(), Warnings: e.passed}
	sp := t.Specials()
	var ids []int32
	c.reach = func(int) { m.Cuts, m.Before = append(m.Cuts, w.n), append(m.Before, m.Unknown) }
	begin := func() {
		w.begin()
		if sp.Begin >= 0 {
			w.add(sp.Begin)
		}
	}
	add := func(text []byte) {
		var unknown int
		ids, unknown = t.Encode(ids[:0], text)
		m.Unknown += unknown
		w.add(ids...)
	}
	end := func() {
		if sp.End >= 0 {
			w.add(sp.End)
		}
	}
	for _, s := range texts {
		err := read(&s, e.separator, t.SplitPoint, func(text []byte, last bool) error {
			c.piece(text, last, begin, add, end)
			return nil
		})
		if err != nil {
			return fmt.Errorf("%s: %s: %w", e.key, s.name, err)
		}
	}
	return w.finish(m)
}
