package data

import (
	"encoding/binary"
	"fmt"
	"unicode/utf8"
)

// split says which shares of a text's end validate and test. It is made before there are tokens, so that what is
// made for the training text, tokenizer and all, is made from that text alone.
type split struct {
	Valid float64 `json:",omitempty"` // share that validates; 0: another text does
	Test  float64 `json:",omitempty"` // share behind it that tests; 0: another text does, or none
}

// splitOf is how the configuration splits data.train.
func splitOf(c Config) split {
	s := split{Test: c.TestFraction}
	if len(c.Valid) == 0 {
		s.Valid = c.ValidFraction
	}
	return s
}

// key is what messages call a part of the text under a key.
func (s split) key(key string, part int) string {
	switch {
	case part == 0:
		return key
	case part == 1 && s.Valid > 0:
		return "data.valid_fraction"
	}
	return "data.test_fraction"
}

// cuts are where in a text of n units its parts behind the training part begin: of validation and test, those that
// there are.
//
// Training keeps the first int((1−Valid−Test)·n) units, as in nanoGPT. But where a boundary between documents lies
// so near a cut that the share behind it changes by no more than a tenth of itself, the cut goes there. So a text
// of many documents is cut between two of them, and a text of one or of a few long ones inside a document, whose
// halves then are documents of their own. Around gives the starts of the document that holds a unit and of the next
// one.
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

// nearest is a cut, moved to a boundary between documents no further off than slack.
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

// extent is how long a text is, document by document, before it has tokens. Its units are characters, and for kind
// byte bytes; and two more for the ends of each document, where there are several. Texts of bytes and of characters
// have one token a unit.
type extent struct {
	bytes     bool
	lengths   []byte // of documents, as varints: a text can have very many
	documents int
	length    int // of the document being read
	total     int
}

// add counts a piece of a document, and ends the document if it is the last one.
func (e *extent) add(text []byte, last bool) {
	e.length += e.count(text)
	if last {
		e.lengths = binary.AppendUvarint(e.lengths, uint64(e.length))
		e.total, e.length = e.total+e.length, 0
		e.documents++
	}
}

func (e *extent) count(text []byte) int {
	if e.bytes {
		return len(text)
	}
	return utf8.RuneCount(text)
}

// head is how many bytes of a text the first so many units have.
func (e *extent) head(text []byte, units int) int {
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

// unit is what the lengths count.
func (e *extent) unit() string {
	if e.bytes {
		return "bytes"
	}
	return "characters"
}

// join puts another text's documents behind this one's.
func (e *extent) join(o *extent) {
	e.lengths = append(e.lengths, o.lengths...)
	e.documents += o.documents
	e.total += o.total
}

// end is what each end of a document counts.
func (e *extent) end() int {
	if e.documents > 1 {
		return 1
	}
	return 0
}

// len is all of the text.
func (e *extent) len() int { return e.total + 2*e.end()*e.documents }

// around gives the starts of the document that holds a unit and of the next one.
func (e *extent) around(unit int) (start, next int) {
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

// cutter follows a text as it is read again and finds its cuts. Pieces come as read hands them out.
type cutter struct {
	*extent
	cuts  []int
	at    int // units so far
	part  int // cuts behind us
	begun bool
	reach func(part int) // called at each cut, with the number of the part that begins there
}

// piece hands on a piece of a document, cut in two where a cut lies inside it.
func (c *cutter) piece(text []byte, last bool, begin func(), add func([]byte), end func()) {
	if !c.begun {
		c.look()
		begin()
		c.begun, c.at = true, c.at+c.end()
	}
	c.look()
	n := c.count(text)
	for c.part < len(c.cuts) && c.cuts[c.part] < c.at+n {
		units := c.cuts[c.part] - c.at
		head := c.head(text, units)
		add(text[:head])
		text, n, c.at = text[head:], n-units, c.at+units
		c.look()
	}
	add(text)
	c.at += n
	if last {
		c.look()
		end()
		c.begun, c.at = false, c.at+c.end()
	}
}

// look tells of a cut that is reached.
func (c *cutter) look() {
	for c.part < len(c.cuts) && c.cuts[c.part] == c.at {
		c.part++
		c.reach(c.part)
	}
}
