package data

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"

	"dmtrain/internal/tokenizer"
)

// Pairs are sources and targets as tokens. A source is its text and End; a target is Begin, its text and End. They
// are immutable.
type Pairs struct {
	Texts          []PairText // as read
	source, target [][]int32
	crc            uint32
}

// PairSet is the data of a run of task seq2seq.
type PairSet struct {
	Tokenizer      tokenizer.Tokenizer
	Train, Valid   *Pairs
	Test           *Pairs  // nil: none is configured
	UnigramEntropy float64 // of Train's targets, in nats
	Warnings       []string
	Overlaps       []PairOverlap // of Valid, and of Test, with Train
}

// OpenPairs reads the configured pairs, a configuration without PairProblems. Of the options it knows Tokenizer and
// Evaluating.
func OpenPairs(c Config, o Options) (*PairSet, error) {
	s := &PairSet{Tokenizer: o.Tokenizer}
	p := c.Pairs
	var found, foundValid, foundTest pairReport
	train, err := readPairs("data.train", c.Train, p.Source, p.Target, p.Fields, &found)
	if err != nil {
		return nil, err
	}
	valid, err := readPairs("data.valid", c.Valid, p.ValidSource, p.ValidTarget, p.Fields, &foundValid)
	if err != nil {
		return nil, err
	}
	test, err := readPairs("data.test", c.Test, p.TestSource, p.TestTarget, p.Fields, &foundTest)
	if err != nil {
		return nil, err
	}
	tested := c.HasTest()
	all := len(train)
	if c.TestFraction > 0 {
		cut := int((1 - c.TestFraction) * float64(all))
		train, test = train[:cut], train[cut:]
	}
	if len(c.Valid)+len(p.ValidSource) == 0 {
		cut := min(len(train), int((1-(c.TestFraction+c.ValidFraction))*float64(all)))
		train, valid = train[:cut], train[cut:]
	}
	if len(train) == 0 {
		return nil, fmt.Errorf("data.train: %s", noPair(found))
	}
	if s.Tokenizer == nil {
		if s.Tokenizer, err = pairTokenizer(c.Tokenizer, train); err != nil {
			return nil, fmt.Errorf("data.tokenizer: %w", err)
		}
		if short := c.Tokenizer.Short(s.Tokenizer); short != "" {
			s.Warnings = append(s.Warnings, short)
		}
	}
	s.Train, s.Valid = newPairs(s.Tokenizer, train, c.SeqLen, &found),
		newPairs(s.Tokenizer, valid, c.SeqLen, &foundValid)
	s.warn("data.train", found, c.SeqLen)
	s.warn("data.valid", foundValid, c.SeqLen)
	if tested {
		s.Test = newPairs(s.Tokenizer, test, c.SeqLen, &foundTest)
		s.warn("data.test", foundTest, c.SeqLen)
	}
	if s.Train.Len() == 0 {
		return nil, fmt.Errorf("data.train: %s", noneFits(found, len(train), c.SeqLen))
	}
	if len(valid) > 0 && s.Valid.Len() == 0 {
		return nil, fmt.Errorf("data.valid: %s", noneFits(foundValid, len(valid), c.SeqLen))
	}
	if s.Valid.Len() == 0 {
		return nil, errors.New("data.valid: has no pair; name some, or a larger data.valid_fraction")
	}
	if tested && s.Test.Len() == 0 {
		return nil, errors.New("data.test: has no pair; name some, or a larger data.test_fraction")
	}
	if err := s.compare(c, o); err != nil {
		return nil, err
	}
	s.UnigramEntropy = s.Train.entropy(s.Tokenizer.Vocab())
	return s, nil
}

// noPair says why there is no pair to train on.
func noPair(r pairReport) string {
	switch {
	case r.read == 0 && r.empty == 0:
		return "has no pair"
	case r.read == 0:
		return fmt.Sprintf("each of %d pairs has an empty side", r.empty)
	}
	return fmt.Sprintf("has %d pairs, and what is split off leaves none to train on; name more, or data.valid", r.read)
}

// noneFits explains why all of n pairs were left out.
func noneFits(r pairReport, n, most int) string {
	if r.lost == n {
		return fmt.Sprintf("of %d pairs none has characters on both sides that the vocabulary knows", n)
	}
	return fmt.Sprintf("of %d pairs none fits data.seq_len %d", n, most)
}

func (s *PairSet) warn(key string, r pairReport, most int) {
	for _, remark := range r.remarks {
		s.Warnings = append(s.Warnings, key+": "+remark)
	}
	for _, w := range []struct {
		n    int
		what string
	}{{r.empty, "pairs with an empty side left out"},
		{r.unknown, "characters are unknown to the vocabulary and left out"},
		{r.lost, "pairs with nothing known to the vocabulary on a side left out"},
		{r.long, fmt.Sprintf("pairs longer than data.seq_len, %d tokens with their ends, left out", most)}} {
		if w.n > 0 {
			s.Warnings = append(s.Warnings, fmt.Sprintf("%s: %d %s", key, w.n, w.what))
		}
	}
}

// pairTokenizer makes the configured tokenizer, one for both sides.
func pairTokenizer(c tokenizer.Config, pairs []PairText) (tokenizer.Tokenizer, error) {
	s := tokenizer.NewSurvey(c)
	s.Documents = 2 // every text has ends
	for _, p := range pairs {
		s.Add([]byte(p.Source))
		s.Add([]byte(p.Target))
	}
	return tokenizer.New(c, s)
}

// newPairs encodes pairs, without those whose sides have too many tokens, or none.
func newPairs(t tokenizer.Tokenizer, texts []PairText, most int, r *pairReport) *Pairs {
	p := &Pairs{}
	sum := crc32.New(castagnoli)
	for _, text := range texts {
		source, unknown := EncodeSource(t, text.Source)
		target, more := encodeTarget(t, text.Target)
		r.unknown += unknown + more
		switch {
		case len(source) == 1 || len(target) == 2: // the ends alone
			r.lost++
			continue
		case len(source) > most || len(target) > most:
			r.long++
			continue
		}
		p.Texts, p.source, p.target = append(p.Texts, text), append(p.source, source), append(p.target, target)
		for _, ids := range [][]int32{source, target} {
			if err := binary.Write(sum, binary.LittleEndian, ids); err != nil {
				panic("data: a checksum that can't be written")
			}
		}
	}
	p.crc = sum.Sum32()
	return p
}

// EncodeSource is a source as the encoder reads it, and how many of its characters the vocabulary lacks.
func EncodeSource(t tokenizer.Tokenizer, text string) (ids []int32, unknown int) {
	ids, unknown = t.Encode(nil, []byte(text))
	return append(ids, t.Specials().End), unknown
}

func encodeTarget(t tokenizer.Tokenizer, text string) (ids []int32, unknown int) {
	ids, unknown = t.Encode([]int32{t.Specials().Begin}, []byte(text))
	return append(ids, t.Specials().End), unknown
}

// Len is how many pairs there are.
func (p *Pairs) Len() int { return len(p.source) }

// Targets is how many target tokens have to be predicted: all but each Begin.
func (p *Pairs) Targets() (n int) {
	for _, ids := range p.target {
		n += len(ids) - 1
	}
	return n
}

// Source is the tokens of a source, End included.
func (p *Pairs) Source(i int) []int32 { return p.source[i] }

// Target is the tokens of a target, Begin and End included.
func (p *Pairs) Target(i int) []int32 { return p.target[i] }

// Checksum is of all tokens.
func (p *Pairs) Checksum() uint32 { return p.crc }

// entropy is that of the distribution of targets' tokens.
func (p *Pairs) entropy(vocab int) float64 {
	counts, n, h := make([]float64, vocab), 0.0, 0.0
	for _, ids := range p.target {
		for _, id := range ids[1:] {
			counts[id]++
			n++
		}
	}
	for _, k := range counts {
		if k > 0 {
			h -= k / n * math.Log(k/n)
		}
	}
	return h
}
