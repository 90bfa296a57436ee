package canary

import (
	"errors"
	"strings"

	"dmtrain/internal/config"
	"dmtrain/internal/data"
)

// Shape describes random text.
type Shape struct {
	Documents string  `json:"documents"`             // single, geometric or fixed
	Mean      float64 `json:"mean_letters"`          // of a document's or a target's length; 0 for a single one
	Source    float64 `json:"mean_source,omitempty"` // of a source's, in task seq2seq
	Letters   int     `json:"letters"`
}

// maxLetters is the size of the alphabet, unless the configured vocabulary is smaller. More letters take longer to
// learn and reveal no more.
const maxLetters = 8

// measure finds the shape of the configured text.
func measure(c config.Config, pairs bool) (s Shape, err error) {
	if pairs {
		return measurePairs(c)
	}
	set, err := data.Open(c.Data, data.Options{})
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, set.Close()) }()
	s = Shape{Documents: Single, Letters: lettersFor(set.Tokenizer.Vocab())}
	if special := set.Tokenizer.Specials(); special.End >= 0 && set.Train.Documents() > 1 {
		s.Documents = Geometric
		s.Mean = float64(set.Train.Len())/float64(set.Train.Documents()) - 2
	}
	return s, nil
}

func measurePairs(c config.Config) (s Shape, err error) {
	set, err := data.OpenPairs(c.Data, data.Options{})
	if err != nil {
		return s, err
	}
	s = Shape{Documents: Geometric, Letters: lettersFor(set.Tokenizer.Vocab())}
	for i := range set.Train.Len() {
		target, _ := set.Tokenizer.Encode(nil, []byte(set.Train.Texts[i].Target))
		s.Source += float64(len(set.Train.Source(i)) - 1)
		s.Mean += float64(len(target))
	}
	n := float64(set.Train.Len())
	s.Source, s.Mean = s.Source/n, s.Mean/n
	return s, nil
}

// lettersFor is a multiple of 4, so that both halves of the letters have an even and an odd half.
func lettersFor(vocab int) int { return max(4, min(maxLetters, vocab)/4*4) }

// The lengths of documents in random text: short enough to end often within a row.
const (
	minMean     = 4
	meansPerRow = 4 // of a row
)

// text draws text of the shape for a small configuration, whose rows were shrunk by the factor.
func (s Shape) text(c config.Config, factor float64, pairs bool) *text {
	follows := c.Mask.Follows()
	t := &text{
		chain:     newChain(s.Letters, follows),
		separator: c.Data.DocumentSeparator,
		symbol:    map[int32]int{},
		apart:     c.Data.Tokenizer.Kind == "bpe",
		pairs:     pairs,
	}
	t.alphabet = alphabet(s.Letters, t.separator)
	short := func(mean float64) float64 { return max(minMean, min(mean*factor, float64(c.Data.SeqLen)/meansPerRow)) }
	t.documents = lengths{kind: s.Documents, mean: short(s.Mean)}
	if s.Documents == Fixed {
		t.documents.mean = float64(int(t.documents.mean))
	}
	if t.pairs {
		most := c.Data.SeqLen - 2
		t.documents.most = most
		t.sources = lengths{kind: Geometric, mean: short(s.Source), most: most}
		for t.long = 1; t.sources.beyond(1, t.long) > 0.5; t.long++ {
		}
	}
	return t
}

// alphabet are n letters that do not occur in the separator.
func alphabet(n int, separator string) []string {
	var letters []string
	for _, set := range []string{"abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"} {
		for _, r := range set {
			if len(letters) < n && !strings.ContainsRune(separator, r) {
				letters = append(letters, string(r))
			}
		}
	}
	return letters
}
