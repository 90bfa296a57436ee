package metrics

import (
	"strings"
	"unicode"
)

// ROUGE compares summaries with their references (Lin 2004) by words (ROUGE-1), pairs of words (ROUGE-2) and the
// longest common subsequence of words (ROUGE-L). Words are runs of letters and digits in lower case, unstemmed. For
// ASCII text this equals Google's rouge_score, which splits words at non-ASCII letters. The zero value is empty.
type ROUGE struct {
	one, two, longest Overlap // sums
	pairs             int
}

// Overlap is the overlap of a hypothesis and its reference: as a share of the hypothesis (precision), as a share of the
// reference (recall), and their harmonic mean, each from 0 to 100.
type Overlap struct{ Precision, Recall, F1 float64 }

// overlapOf is the overlap of hyp and ref items, of which some are shared.
func overlapOf(shared, hyp, ref int) Overlap {
	if shared == 0 {
		return Overlap{}
	}
	p, r := float64(shared)/float64(hyp), float64(shared)/float64(ref)
	return Overlap{100 * p, 100 * r, 100 * 2 * p * r / (p + r)}
}

func (o *Overlap) add(p Overlap) {
	o.Precision += p.Precision
	o.Recall += p.Recall
	o.F1 += p.F1
}

func (o Overlap) over(n int) Overlap {
	d := float64(max(n, 1))
	return Overlap{o.Precision / d, o.Recall / d, o.F1 / d}
}

// Add compares one hypothesis with its reference.
func (r *ROUGE) Add(hyp, ref string) {
	hs, rs := rougeWords(hyp), rougeWords(ref)
	h, f := wordsOf(hs), wordsOf(rs)
	r.one.add(overlapOf(shared(h.grams(1), f.grams(1)), h.total(1), f.total(1)))
	r.two.add(overlapOf(shared(h.grams(2), f.grams(2)), h.total(2), f.total(2)))
	r.longest.add(overlapOf(longestCommon(hs, rs), len(hs), len(rs)))
	r.pairs++
}

// One, Two and Longest are ROUGE-1, ROUGE-2 and ROUGE-L: means over the pairs.
func (r *ROUGE) One() Overlap     { return r.one.over(r.pairs) }
func (r *ROUGE) Two() Overlap     { return r.two.over(r.pairs) }
func (r *ROUGE) Longest() Overlap { return r.longest.over(r.pairs) }

func rougeWords(text string) []string {
	return strings.FieldsFunc(strings.ToLower(text), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r)
	})
}
