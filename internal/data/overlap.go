package data

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"slices"

	"dmtrain/internal/tokenizer"
)

// Overlap is how much of a text that validates or tests trains as well, by a sample of its windows of about 64 bytes.
type Overlap struct {
	Split    string `json:"split"`    // valid or test
	Windows  int    `json:"windows"`  // that were looked for; too few say nothing
	Repeated int    `json:"repeated"` // of these, how many stand in the training text

	Example       string `json:"example,omitempty"`        // one that does
	Document      int    `json:"document,omitempty"`       // in which it stands, from 1
	TrainDocument int    `json:"train_document,omitempty"` // the same in the training text
}

const (
	windowBytes = 64      // a window has as many tokens as so many bytes have on average
	fewWindows  = 64      // fewer say nothing
	someWindows = 1024    // looked for where the text has them
	rareWindow  = 2048    // of so many places one is looked at in a long text
	manyWindows = 1 << 16 // looked for at most
	alarm       = 0.01    // share of repeated windows that is told
)

// Share is that of repeated windows.
func (o Overlap) Share() float64 {
	if o.Windows == 0 {
		return 0
	}
	return float64(o.Repeated) / float64(o.Windows)
}

// warning tells of a share that makes a loss on the text no measure; empty if it is small.
func (o Overlap) warning(key string) string {
	if o.Windows < fewWindows || o.Share() < alarm {
		return ""
	}
	return fmt.Sprintf("%s: about %.0f %% of this text also trains (%d of %d windows of %d bytes), and its loss "+
		"says little of that: %q, for one, in its document %d, and in document %d of the training text",
		key, 100*o.Share(), o.Repeated, o.Windows, windowBytes, o.Example, o.Document, o.TrainDocument)
}

// windows are those of a text that overlapOf looks for. Where they begin is defined by content: at tokens whose id
// has a certain lowest byte. So the windows of two texts are found at the same places of what they share, and
// searching bytes finds them at the speed of memory.
type windows struct {
	anchor byte
	tokens int    // of each
	thin   uint32 // only windows whose checksum has none of these bits
	found  map[uint32]*window
}

type window struct {
	at, count int // the first in the text, and how many there are
	trained   int // where it trains; −1: nowhere
}

// overlapOf looks for windows of a text in the training text. Both are of one tokenizer.
func overlapOf(split string, held, train *Corpus, t tokenizer.Tokenizer) Overlap {
	o := Overlap{Split: split}
	w := newWindows(held)
	w.each(held, func(sum uint32, at int) {
		if x := w.found[sum]; x == nil {
			w.found[sum] = &window{at: at, count: 1, trained: -1}
			o.Windows++
		} else if bytes.Equal(held.raw(x.at, w.tokens), held.raw(at, w.tokens)) {
			x.count++
			o.Windows++
		}
	})
	w.each(train, func(sum uint32, at int) {
		if x := w.found[sum]; x != nil && x.trained < 0 &&
			bytes.Equal(held.raw(x.at, w.tokens), train.raw(at, w.tokens)) {
			x.trained = at
		}
	})
	first := held.hi
	for _, x := range w.found {
		if x.trained < 0 {
			continue
		}
		o.Repeated += x.count
		if x.at < first {
			first = x.at
			o.Document, o.TrainDocument = held.documentOf(x.at), train.documentOf(x.trained)
		}
	}
	if o.Repeated > 0 {
		ids := make([]int32, w.tokens)
		held.image.copy(ids, first)
		o.Example = string(t.Decode(nil, ids))
	}
	return o
}

// compare tells of text that trains and is held out as well. The same file under two keys is refused, unless only
// an evaluation is asked for.
func (s *Set) compare(c Config, o Options) error {
	train, _, err := resolve("data.train", c.Train)
	if err != nil {
		return err
	}
	for _, x := range []struct {
		key, split string
		entries    []string
		held       *Corpus
	}{{"data.valid", "valid", c.Valid, s.Valid}, {"data.test", "test", c.Test, s.Test}} {
		if x.held == nil {
			continue
		}
		key := x.key
		if len(x.entries) == 0 {
			key += "_fraction"
		} else {
			held, _, err := resolve(x.key, x.entries)
			if err != nil {
				return err
			}
			copies, same := sameText("data.train", train, x.key, held)
			if same != nil && !o.Evaluating {
				return same
			}
			if same != nil {
				copies = append(copies, same.Error())
			}
			s.Warnings = append(s.Warnings, copies...)
		}
		found := overlapOf(x.split, x.held, s.Train, s.Tokenizer)
		s.Overlaps = append(s.Overlaps, found)
		if w := found.warning(key); w != "" && !(generated(c.Train) && generated(x.entries)) {
			s.Warnings = append(s.Warnings, w)
		}
	}
	return nil
}

// generated says whether all text is made by a grammar, which repeats itself by its nature, and is known to.
func generated(entries []string) bool {
	return !slices.ContainsFunc(entries, func(e string) bool { return !isBuiltin(e) })
}

// newWindows chooses where windows of a text begin: often enough for there to be some, and rarely enough to be
// found in no time.
func newWindows(c *Corpus) *windows {
	w := &windows{tokens: 1, found: map[uint32]*window{}}
	if c.bytes > 0 {
		w.tokens = max(1, (windowBytes*c.Targets()+c.bytes-1)/c.bytes)
	}
	var begins, stops [256]int // of tokens that begin a window; of bytes that the search stops at
	for id, n := range c.counts {
		var b [4]byte
		binary.LittleEndian.PutUint32(b[:], uint32(id))
		begins[b[0]] += n
		for _, b := range b[:c.image.width] {
			stops[b] += n
		}
	}
	want := max(someWindows, c.Len()/rareWindow)
	off := func(b int) int { // from what is wanted
		return max(want-begins[b], stops[b]-want)
	}
	best := 0
	for b := range begins {
		if begins[b] > 0 && (begins[best] == 0 || off(b) < off(best)) {
			best = b
		}
	}
	w.anchor = byte(best)
	for n := begins[best]; n > manyWindows; n /= 2 {
		w.thin = w.thin<<1 | 1
	}
	return w
}

// each finds a text's windows: their checksums, and the tokens at which they begin.
func (w *windows) each(c *Corpus, each func(sum uint32, at int)) {
	width, size := c.image.width, w.tokens*c.image.width
	text := c.raw(c.lo, c.Len())
	for at := 0; at+size <= len(text); at++ {
		n := bytes.IndexByte(text[at:len(text)-size+1], w.anchor)
		if n < 0 {
			return
		}
		if at += n; at%width != 0 {
			continue
		}
		if sum := crc32.Checksum(text[at:at+size], castagnoli); sum&w.thin == 0 {
			each(sum, c.lo+at/width)
		}
	}
}

// raw are tokens as the image has them.
func (c *Corpus) raw(at, n int) []byte {
	return c.image.tokens[at*c.image.width:][:n*c.image.width]
}

// documentOf is the number, from 1, of the document that a token stands in.
func (c *Corpus) documentOf(at int) int {
	return c.image.document(at) - c.image.document(c.lo) + 1
}
