package data

import (
	"encoding/binary"
	"fmt"
	"unicode/utf8"
)

// split is the shares of a text's end that validate and test. The text is split before it is encoded, so that the
// tokenizer is made from the training text alone.
type split struct {
	Valid float64 `json:",omitempty"` // share that validates; 0 if another text does
	Test  float64 `json:",omitempty"` // share after it that tests; 0 if another text does, or none
}

// splitOf is the configured split of data.train.
func splitOf(c Config) split {
	s := split{Test: c.TestFraction}
	if len(c.Valid) == 0 {
		s.Valid = c.ValidFraction
	}
	return s
}

// key names a part of the text under a key in messages.
func (s split) key(key string, part int) string {
	switch {
	case part == 0:
		return key
	case part == 1 && s.Valid > 0:
		return "data.valid_fraction"
	}
	return "data.test_fraction"
}

// cuts are the units at which the validation and test parts of a text of n units begin, as far as there are such parts.
//
// Training keeps the first int((1−Valid−Test)·n) units, as in nanoGPT. A cut moves to a document boundary if that
// changes the share after it by at most a tenth. So a text of many documents is cut between documents, and a text of a
// few long ones inside a document, whose halves become documents of their own. around returns the starts of a unit's
// document and of the next one.
func (s split) cuts(n int, what string, around func(unit int) (start, next int)) (cuts []int, err error) {
	key := "data.valid_fraction"
	add := func(share, fraction float64) error {
		cut := nearest(int((1-share)*float64(n)), int(fraction*float64(n)/10), n, around)
		least := 1
		if len(cuts) > 0 {
			least = cuts[0] + 2
		}
		if cut < least || n-cut < 2 {
			return fmt.Errorf("%s: %v of %d %s leaves nothing to train, to validate or to test on", key, fraction,
				n, what)
		}
		cuts = append(cuts, cut)
		return nil
	}
	if s.Valid > 0 {
		err = add(s.Test+s.Valid, s.Valid)
	}
	if key = "data.test_fraction"; err == nil && s.Test > 0 {
		err = add(s.Test, s.Test)
	}
	return cuts, err
}

// nearest moves a cut to the nearest document boundary, if that is at most slack away.
func nearest(cut, slack, n int, around func(int) (int, int)) int {
	if cut < 1 || cut >= n {
		return cut
	}
	start, next := around(cut)
	best, at := slack+1, cut
	for _, boundary := range []int{start, next} {
		if off := max(boundary-cut, cut-boundary); off < best && boundary > 0 && boundary < n {
			best, at = off, boundary
		}
	}
	return at
}

// textLength is the length of a text, document by document, before it is encoded. Its units are characters, or
// bytes for tokenizer kind byte, plus two for the ends of each document if there are several. Under kinds byte and
// char, a unit is a token.
type textLength struct {
	bytes     bool
	lengths   []byte // of documents, as varints, since there may be very many
	documents int
	length    int // of the document being read
	total     int
}

// add counts a piece of a document, and ends the document if it is the last one.
func (e *textLength) add(text []byte, last bool) {
	e.length += e.count(text)
	if last {
		e.lengths = binary.AppendUvarint(e.lengths, uint64(e.length))
		e.total, e.length = e.total+e.length, 0
		e.documents++
	}
}

func (e *textLength) count(text []byte) int {
	if e.bytes {
		return len(text)
	}
	return utf8.RuneCount(text)
}

// head is the number of bytes in the first units of a text.
func (e *textLength) head(text []byte, units int) int {
	if e.bytes {
		return units
	}
	at := 0
	for range units {
		_, size := utf8.DecodeRune(text[at:])
		at += size
	}
	return at
}

// unit names the unit in messages.
func (e *textLength) unit() string {
	if e.bytes {
		return "bytes"
	}
	return "characters"
}

// join appends the documents of another text.
func (e *textLength) join(o *textLength) {
	e.lengths = append(e.lengths, o.lengths...)
	e.documents += o.documents
	e.total += o.total
}

// end is the number of units that each end of a document counts.
func (e *textLength) end() int {
	if e.documents > 1 {
		return 1
	}
	return 0
}

// len is the length of the whole text.
func (e *textLength) len() int { return e.total + 2*e.end()*e.documents }

// around returns the starts of a unit's document and of the next one.
func (e *textLength) around(unit int) (start, next int) {
	for rest := e.lengths; len(rest) > 0; {
		length, n := binary.Uvarint(rest)
		next = start + int(length) + 2*e.end()
		if unit < next {
			return start, next
		}
		start, rest = next, rest[n:]
	}
	return start, start
}

// cutter finds the cuts of a text as it is read again, in the pieces that read emits.
type cutter struct {
	*textLength
	cuts  []int
	at    int // units so far
	part  int // number of cuts passed
	begun bool
	reach func(part int) // called at each cut, with the number of the part that begins there
}

// piece passes on a piece of a document, divided at the cuts inside it.
func (c *cutter) piece(text []byte, last bool, begin func(), add func([]byte), end func()) {
	if !c.begun {
		c.passCuts()
		begin()
		c.begun, c.at = true, c.at+c.end()
	}
	c.passCuts()
	n := c.count(text)
	for c.part < len(c.cuts) && c.cuts[c.part] < c.at+n {
		units := c.cuts[c.part] - c.at
		head := c.head(text, units)
		add(text[:head])
		text, n, c.at = text[head:], n-units, c.at+units
		c.passCuts()
	}
	add(text)
	c.at += n
	if last {
		c.passCuts()
		end()
		c.begun, c.at = false, c.at+c.end()
	}
}

// passCuts calls reach for the cuts at the current unit.
func (c *cutter) passCuts() {
	for c.part < len(c.cuts) && c.cuts[c.part] == c.at {
		c.part++
		c.reach(c.part)
	}
}
