package data

import (
	"math"

	"dmtrain/internal/batch"
	"dmtrain/internal/tokenizer"
)

// Corpus is a stream of tokens, or a split of one. It is immutable.
type Corpus struct {
	file   *tokensFile
	lo, hi int // the split, as indices of the file's tokens

	unknown int

	counts    []int // tokens by id
	bytes     int
	documents int
}

// newCorpus is the corpus of tokens lo … hi−1 of a file.
func newCorpus(m *tokensFile, lo, hi int, t tokenizer.Tokenizer) (*Corpus, error) {
	c := &Corpus{
		file:   m,
		lo:     lo,
		hi:     hi,
		counts: make([]int, t.Vocab()),
	}
	var buf [4096]int32
	for i := lo; i < hi; i += len(buf) {
		ids := buf[:min(len(buf), hi-i)]
		m.copy(ids, i)
		for _, id := range ids {
			if id < 0 || int(id) >= len(c.counts) {
				return nil, errCorrupt
			}
			c.counts[id]++
		}
	}
	size := byteSizes(t)
	for id, n := range c.counts {
		c.bytes += n * size[id]
	}
	for i := lo; i < hi; i = m.start(m.document(i) + 1) {
		c.documents++
		c.bytes -= size[m.token(i)]
	}
	return c, nil
}

// partOf is the corpus of one part of a split file; part 0 precedes the first cut.
func partOf(m *tokensFile, part int, t tokenizer.Tokenizer) (*Corpus, error) {
	bounds := append(append([]int{0}, m.meta.Cuts...), m.len())
	c, err := newCorpus(m, bounds[part], bounds[part+1], t)
	if err == nil {
		c.unknown = m.unknown()[part]
	}
	return c, err
}

// byteSizes are the number of bytes of each token id.
func byteSizes(t tokenizer.Tokenizer) []int {
	size := make([]int, t.Vocab())
	var buf []byte
	for id := range size {
		buf = t.Decode(buf[:0], []int32{int32(id)})
		size[id] = len(buf)
	}
	return size
}

// Len is the number of tokens, Begin and End of documents included.
func (c *Corpus) Len() int { return c.hi - c.lo }

// Documents is the number of documents, whole or cut.
func (c *Corpus) Documents() int { return c.documents }

// Targets is the number of predicted tokens: all but the first of each document.
func (c *Corpus) Targets() int { return c.Len() - c.documents }

// Bytes is the number of bytes of text that the targets stand for. A loss in nats, summed over all targets and divided
// by Bytes·ln 2, is bits per byte.
func (c *Corpus) Bytes() int { return c.bytes }

// Unknown is the number of characters that the vocabulary lacks; they are not in the stream.
func (c *Corpus) Unknown() int { return c.unknown }

// Checksum is that of the whole text's tokens, so that a resumed run can detect other data.
func (c *Corpus) Checksum() uint32 { return c.file.crc }

// UnigramEntropy is the entropy, in nats, of the distribution of token ids: the loss of a model that knows only their
// frequencies.
func (c *Corpus) UnigramEntropy() float64 {
	var h float64
	n := float64(c.Len())
	for _, k := range c.counts {
		if k > 0 {
			p := float64(k) / n
			h -= p * math.Log(p)
		}
	}
	return h
}

// Close closes a corpus of OpenCorpus.
func (c *Corpus) Close() error { return c.file.Close() }

// Close unmaps the file. Further calls do nothing.
func (m *tokensFile) Close() error {
	if m.close == nil {
		return nil
	}
	unmap := m.close
	m.close = nil
	return unmap()
}

// fill fills row r of rows with the tokens from index at on, and with padding after the stream's end.
func (c *Corpus) fill(rows *batch.Batch, r, at int) {
	base := r * rows.T
	n := max(0, min(rows.T, c.hi-at))
	c.file.copy(rows.IDs[base:base+n], at)
	for i := 0; i < n; {
		d := c.file.document(at + i)
		first := max(c.file.start(d), c.lo)
		last := min(c.file.start(d+1), c.hi) // past the document
		start, end := int32(max(0, first-at)), int32(min(n, last-at))
		for ; i < int(end); i++ {
			p := base + i
			rows.Start[p], rows.End[p] = start, end
			switch {
			case at+i+1 >= last:
				rows.Next[p] = -1
			case i+1 < n:
				rows.Next[p] = rows.IDs[p+1]
			default:
				rows.Next[p] = c.file.token(at + i + 1)
			}
		}
	}
	for p := base + n; p < base+rows.T; p++ {
		rows.IDs[p], rows.Next[p], rows.Start[p], rows.End[p] = 0, -1, -1, -1
	}
}
