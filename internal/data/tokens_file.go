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

// tokensFile is an encoded text, in memory or mapped from the cache. All integers are little-endian:
//
//	magic      16 bytes
//	tokens     width bytes each, documents' Begin and End included
//	starts     8 bytes each: the index of each document's first token, then the number of tokens
//	meta       JSON
//	footer     lengths of the above and a CRC-32C of all that precedes it
type tokensFile struct {
	width  int
	tokens []byte
	starts []byte // documents + 1
	crc    uint32 // of the text's tokens, whatever the split
	meta   meta
	close  func() error // unmaps the file; nil in memory
}

// meta is the metadata of a tokens file.
type meta struct {
	Tokenizer map[string][]byte // its Files
	Unknown   int               // characters left out
	Warnings  []string          // inputs that were skipped
	Cuts      []int             `json:",omitempty"` // index of the first token of each part but the first
	Before    []int             `json:",omitempty"` // unknown characters before each cut
}

// unsplit is the metadata of the whole text, without its split.
func (m meta) unsplit() meta {
	m.Cuts, m.Before = nil, nil
	return m
}

const tokensMagic = "dmtrain tokens 1"

type footer struct {
	Tokens, Documents, Meta uint64
	Width, CRC              uint32
}

var (
	footerSize = binary.Size(footer{})
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
)

// errCorrupt is the error of a damaged tokens file.
var errCorrupt = errors.New("damaged token cache")

// parseTokensFile parses and verifies a tokens file. It keeps b.
func parseTokensFile(b []byte) (*tokensFile, error) {
	if len(b) < len(tokensMagic)+8+footerSize || string(b[:len(tokensMagic)]) != tokensMagic {
		return nil, errCorrupt
	}
	var f footer
	body := b[:len(b)-footerSize]
	if err := binary.Read(bytes.NewReader(b[len(body):]), binary.LittleEndian, &f); err != nil {
		return nil, errCorrupt
	}
	room := uint64(len(body) - len(tokensMagic))
	if f.Width != 2 && f.Width != 4 || f.Tokens > room || f.Documents > room || f.Meta > room ||
		f.Tokens*uint64(f.Width)+8*(f.Documents+1)+f.Meta != room {
		return nil, errCorrupt
	}
	text := crc32.Checksum(body[:len(body)-int(f.Meta)], castagnoli)
	if crc32.Update(text, castagnoli, body[len(body)-int(f.Meta):]) != f.CRC {
		return nil, errCorrupt
	}
	m := &tokensFile{width: int(f.Width)}
	rest := body[len(tokensMagic):]
	m.tokens, rest = rest[:f.Tokens*uint64(f.Width)], rest[f.Tokens*uint64(f.Width):]
	m.starts, rest = rest[:8*(f.Documents+1)], rest[8*(f.Documents+1):]
	if json.Unmarshal(rest, &m.meta) != nil || !m.ordered() {
		return nil, errCorrupt
	}
	whole, err := json.Marshal(m.meta.unsplit())
	m.crc = crc32.Update(text, castagnoli, whole)
	return m, err
}

// unknown counts the characters of each part that the vocabulary lacks.
func (m *tokensFile) unknown() []int {
	var parts []int
	before := 0
	for _, n := range append(m.meta.Before[:len(m.meta.Before):len(m.meta.Before)], m.meta.Unknown) {
		parts, before = append(parts, n-before), n
	}
	return parts
}

// ordered reports whether every token is in one document, no document is empty, and the cuts ascend.
func (m *tokensFile) ordered() bool {
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

func (m *tokensFile) documents() int { return len(m.starts)/8 - 1 }

func (m *tokensFile) len() int { return len(m.tokens) / m.width }

func (m *tokensFile) start(d int) int { return int(binary.LittleEndian.Uint64(m.starts[8*d:])) }

func (m *tokensFile) token(i int) int32 {
	if m.width == 2 {
		return int32(binary.LittleEndian.Uint16(m.tokens[2*i:]))
	}
	return int32(binary.LittleEndian.Uint32(m.tokens[4*i:]))
}

// copy fills dst with the tokens from index i on.
func (m *tokensFile) copy(dst []int32, i int) {
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

// document is the index of the document of token i.
func (m *tokensFile) document(i int) int {
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

// tokensWriter writes a tokens file token by token.
type tokensWriter struct {
	w       *bufio.Writer
	crc     uint32
	width   int
	n       int    // tokens so far
	start   int    // of the document being written
	lengths []byte // of the documents before it, as varints, since there may be very many
	buf     []byte
}

func newTokensWriter(w io.Writer, vocab int) *tokensWriter {
	width := 4
	if vocab <= math.MaxUint16+1 {
		width = 2
	}
	i := &tokensWriter{w: bufio.NewWriterSize(w, readSize), width: width}
	i.write([]byte(tokensMagic))
	return i
}

// write leaves errors to the flush in finish.
func (w *tokensWriter) write(b []byte) {
	w.crc = crc32.Update(w.crc, castagnoli, b)
	w.w.Write(b)
}

// begin starts a document. A document without tokens is dropped.
func (w *tokensWriter) begin() {
	if w.n > w.start {
		w.lengths = binary.AppendUvarint(w.lengths, uint64(w.n-w.start))
		w.start = w.n
	}
}

func (w *tokensWriter) add(ids ...int32) {
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

func (w *tokensWriter) finish(m meta) error {
	w.begin() // ends the last document
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
func (w *tokensWriter) writeStarts() (documents uint64) {
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

func (w *tokensWriter) writeStart(start uint64) {
	w.buf = binary.LittleEndian.AppendUint64(w.buf[:0], start)
	w.write(w.buf)
}

// encode encodes the texts into a tokens file.
func (e *encoding) encode(out io.Writer, texts []input, t tokenizer.Tokenizer, c *cutter) error {
	w := newTokensWriter(out, t.Vocab())
	m := meta{Tokenizer: t.Files(), Warnings: e.skipped}
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
