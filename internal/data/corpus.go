package data

import (
	"math"

	"dmtrain/internal/batch"
	"dmtrain/internal/tokenizer"
)

// Corpus is a stream of tokens, or a split of one. It is immutable.
type Corpus struct {
	image  *image
	lo, hi int // the part, as indices of the image's tokens

	unknown int

	counts    []int // tokens by id
	bytes     int
	documents int
}

// newCorpus is tokens lo … hi−1 of an image.
func newCorpus(m *image, lo, hi int, t tokenizer.Tokenizer) (*Corpus, error) {
	c := &Corpus{
		image:  m,
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

// partOf is a part of an image, numbered as its cuts have them.
func partOf(m *image, part int, t tokenizer.Tokenizer) (*Corpus, error) {
	bounds := append(append([]int{0}, m.meta.Cuts...), m.len())
	c, err := newCorpus(m, bounds[part], bounds[part+1], t)
	if err == nil {
		c.unknown = m.unknown()[part]
	}
	return c, err
}

// byteSizes are the bytes that each token stands for.
func byteSizes(t tokenizer.Tokenizer) []int {
	size := make([]int, t.Vocab())
	var buf []byte
	for id := range size {
		buf = t.Decode(buf[:0], []int32{int32(id)})
		size[id] = len(buf)
	}
	return size
}

// Len is how many tokens the stream has, Begin and End of documents included.
func (c *Corpus) Len() int { return c.hi - c.lo }

// Documents is how many the stream has, whole or cut.
func (c *Corpus) Documents() int { return c.documents }

// Targets is how many tokens have to be predicted: all but the first of each document.
func (c *Corpus) Targets() int { return c.Len() - c.documents }

// Bytes is how many bytes of text the targets stand for. A loss summed over all targets, divided by
// Bytes·ln 2, is bits per byte.
func (c *Corpus) Bytes() int { return c.bytes }

// Unknown is how many characters of the text the vocabulary lacks; they are not in the stream.
func (c *Corpus) Unknown() int { return c.unknown }

// Checksum is of the whole text's tokens, for a resumed run to see that its data is still the same.
func (c *Corpus) Checksum() uint32 { return c.image.crc }

// UnigramEntropy is the entropy, in nats, of the distribution of the stream's tokens: the loss of a model that knows
// how frequent each token is and nothing else.
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

// Close gives back the memory of a corpus from OpenCorpus.
func (c *Corpus) Close() error { return c.image.Close() }

// Close gives a mapping back, once.
func (m *image) Close() error {
	if m.close == nil {
		return nil
	}
	unmap := m.close
	m.close = nil
	return unmap()
}

// fill lays the tokens from index at on into row r of rows, with padding from the stream's end on.
func (c *Corpus) fill(rows *batch.Batch, r, at int) {
	base := r * rows.T
	n := max(0, min(rows.T, c.hi-at))
	c.image.copy(rows.IDs[base:base+n], at)
	for i := 0; i < n; {
		d := c.image.document(at + i)
		first := max(c.image.start(d), c.lo)
		last := min(c.image.start(d+1), c.hi) // past the document
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
				rows.Next[p] = c.image.token(at + i + 1)
			}
		}
	}
	for p := base + n; p < base+rows.T; p++ {
		rows.IDs[p], rows.Next[p], rows.Start[p], rows.End[p] = 0, -1, -1, -1
	}
}
