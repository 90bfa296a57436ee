package tokenizer

import (
	"slices"
	"unicode/utf8"

	"dmtrain/internal/textio"
)

// Survey is what a tokenizer made for a training text needs to know of that text.
type Survey struct {
	Documents int // how many the text has; more than one are told apart by end-of-text

	ascii [utf8.RuneSelf]bool
	other map[rune]struct{}

	trainer *Trainer // nil: no vocabulary is to be learnt
}

// NewSurvey notes what New needs for this configuration.
func NewSurvey(c Config) *Survey {
	if c.Kind == "bpe" && c.File == "" {
		return &Survey{trainer: NewTrainer()}
	}
	return &Survey{}
}

// SplitPoint is where a text may be cut between two calls of Add.
func (s *Survey) SplitPoint(text []byte) int {
	if s.trainer != nil {
		return settled(text)
	}
	return textio.WholeRunes(text)
}

// Add takes note of a piece of text. A character must not be cut between two pieces (see SplitPoint).
func (s *Survey) Add(text []byte) {
	if s.trainer != nil {
		s.trainer.Add(text)
	}
	last := rune(-1)
	for i := 0; i < len(text); {
		if b := text[i]; b < utf8.RuneSelf {
			s.ascii[b] = true
			i++
			continue
		}
		r, size := utf8.DecodeRune(text[i:])
		if r != last {
			if s.other == nil {
				s.other = map[rune]struct{}{}
			}
			s.other[r] = struct{}{}
			last = r
		}
		i += size
	}
}

// Merge takes note of all that another survey found.
func (s *Survey) Merge(o *Survey) {
	s.Documents += o.Documents
	if s.trainer != nil && o.trainer != nil {
		for piece, n := range o.trainer.pieces {
			s.trainer.pieces[piece] += n
		}
	}
	for b, seen := range o.ascii {
		s.ascii[b] = s.ascii[b] || seen
	}
	for r := range o.other {
		if s.other == nil {
			s.other = map[rune]struct{}{}
		}
		s.other[r] = struct{}{}
	}
}

// characters are the characters seen, sorted.
func (s *Survey) characters() []rune {
	var runes []rune
	for b, seen := range s.ascii {
		if seen {
			runes = append(runes, rune(b))
		}
	}
	for r := range s.other {
		runes = append(runes, r)
	}
	slices.Sort(runes)
	return runes
}
