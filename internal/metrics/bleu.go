package metrics

import (
	"fmt"
	"math"
)

// bleuOrder is the longest n-gram, in words.
const bleuOrder = 4

// BLEU is the corpus BLEU score (Papineni et al. 2002) as sacreBLEU 2 computes it (Post 2018): with tokenizer 13a, and
// exponential smoothing of orders without matches (Chen and Cherry 2014, method 3). The zero value is empty.
type BLEU struct {
	Found, Total         [bleuOrder]int // n-grams of the hypotheses, for n = 1 … 4: found in a reference too, and all
	HypWords, RefWords   int            // in all; of several references the nearest in length counts
	fewestRefs, mostRefs int
}

// Add adds one hypothesis with its references, at least one. Empty references count only if there is no other.
func (b *BLEU) Add(hyp string, refs ...string) {
	refs = notEmpty(refs)
	h := wordsOf(words13a(hyp))
	var rs []units
	for _, ref := range refs {
		rs = append(rs, wordsOf(words13a(ref)))
	}
	b.HypWords += h.len()
	b.RefWords += nearest(h.len(), rs)
	for n := 1; n <= bleuOrder; n++ {
		b.Total[n-1] += h.total(n)
		b.Found[n-1] += shared(h.grams(n), mostOf(rs, n))
	}
	if b.mostRefs == 0 {
		b.fewestRefs = len(refs)
	}
	b.fewestRefs, b.mostRefs = min(b.fewestRefs, len(refs)), max(b.mostRefs, len(refs))
}

// notEmpty drops empty references, if there are others.
func notEmpty(refs []string) []string {
	if len(refs) == 0 {
		panic("metrics: no reference")
	}
	var kept []string
	for _, r := range refs {
		if r != "" {
			kept = append(kept, r)
		}
	}
	if kept == nil {
		return refs[:1]
	}
	return kept
}

// nearest is the length of the reference closest in length to n, the shorter one on ties.
func nearest(n int, refs []units) int {
	best := refs[0].len()
	for _, r := range refs[1:] {
		l := r.len()
		if d, was := abs(l-n), abs(best-n); d < was || d == was && l < best {
			best = l
		}
	}
	return best
}

func abs(n int) int { return max(n, -n) }

// mostOf is, for each n-gram, the largest count in any reference.
func mostOf(refs []units, n int) map[string]int {
	most := refs[0].grams(n)
	for _, r := range refs[1:] {
		for gram, count := range r.grams(n) {
			most[gram] = max(most[gram], count)
		}
	}
	return most
}

// BrevityPenalty is below 1 if the hypotheses are shorter than their references.
func (b *BLEU) BrevityPenalty() float64 {
	switch {
	case b.HypWords >= b.RefWords:
		return 1
	case b.HypWords == 0:
		return 0
	}
	return math.Exp(1 - float64(b.RefWords)/float64(b.HypWords))
}

// Precisions are the smoothed percentages of matching n-grams, n = 1 … 4; all 0 without any match.
func (b *BLEU) Precisions() (p [bleuOrder]float64) {
	if b.Found == [bleuOrder]int{} {
		return p
	}
	smooth := 1.0
	for i, found := range b.Found {
		if b.Total[i] == 0 {
			break
		}
		share := float64(found)
		if found == 0 {
			smooth *= 2
			share = 1 / smooth
		}
		p[i] = 100 * share / float64(b.Total[i])
	}
	return p
}

// Score is BLEU, from 0 to 100; 0 if the hypotheses have no n-gram of an order.
func (b *BLEU) Score() float64 {
	sum := 0.0
	for _, p := range b.Precisions() {
		if p == 0 {
			return 0
		}
		sum += math.Log(p)
	}
	return b.BrevityPenalty() * math.Exp(sum/bleuOrder)
}

// Signature says how the score was computed, in sacreBLEU's format.
func (b *BLEU) Signature() string {
	return "nrefs:" + references(b.fewestRefs, b.mostRefs) + "|case:mixed|eff:no|tok:13a|smooth:exp|" + scoreVersion
}

// scoreVersion names the reference implementation's version and this program.
const scoreVersion = "version:2-dmtrain"

// references is the number of references, "var" if it varies.
func references(fewest, most int) string {
	if fewest != most {
		return "var"
	}
	return fmt.Sprint(most)
}

// String is the line that sacreBLEU prints.
func (b *BLEU) String() string {
	p, ratio := b.Precisions(), 0.0
	if b.RefWords > 0 {
		ratio = float64(b.HypWords) / float64(b.RefWords)
	}
	return fmt.Sprintf("BLEU|%s = %.2f %.1f/%.1f/%.1f/%.1f (BP = %.3f ratio = %.3f hyp_len = %d ref_len = %d)",
		b.Signature(), b.Score(),
		p[0], p[1], p[2], p[3], b.BrevityPenalty(), ratio, b.HypWords, b.RefWords)
}
