package metrics

import "fmt"

const (
	chrfOrder = 6 // the longest n-gram, in characters
	chrfBeta  = 2 // weight of recall relative to precision
)

// ChrF is the character n-gram F-score chrF2 of a corpus (Popović 2015, 2016), as sacreBLEU 2 computes it: white
// space left out, n-grams up to 6, counted over the corpus; precision and recall are means over the orders that
// both sides have. The zero value is empty.
type ChrF struct {
	counts               chrfCounts
	fewestRefs, mostRefs int
}

// chrfCounts are n-grams, for n = 1 … 6.
type chrfCounts struct{ hyp, ref, shared [chrfOrder]int }

// Add adds one hypothesis with the most similar of its references, at least one. Empty references count only if
// there is no other.
func (c *ChrF) Add(hyp string, refs ...string) {
	refs = notEmpty(refs)
	h := charactersOf(hyp)
	best, score := chrfCounts{}, -1.0
	for _, ref := range refs {
		counts := compareCharacters(h, charactersOf(ref))
		if s := counts.score(); s > score {
			best, score = counts, s
		}
	}
	for i := range chrfOrder {
		c.counts.hyp[i] += best.hyp[i]
		c.counts.ref[i] += best.ref[i]
		c.counts.shared[i] += best.shared[i]
	}
	if c.mostRefs == 0 {
		c.fewestRefs = len(refs)
	}
	c.fewestRefs, c.mostRefs = min(c.fewestRefs, len(refs)), max(c.mostRefs, len(refs))
}

// compareCharacters counts n-grams. Those of a hypothesis whose reference is shorter than n don't count.
func compareCharacters(hyp, ref units) (c chrfCounts) {
	for n := 1; n <= chrfOrder && n <= ref.len(); n++ {
		c.hyp[n-1], c.ref[n-1] = hyp.total(n), ref.total(n)
		c.shared[n-1] = shared(hyp.grams(n), ref.grams(n))
	}
	return c
}

func (c *chrfCounts) score() float64 {
	var precision, recall, orders float64
	for i := range chrfOrder {
		if c.hyp[i] > 0 && c.ref[i] > 0 {
			precision += float64(c.shared[i]) / float64(c.hyp[i])
			recall += float64(c.shared[i]) / float64(c.ref[i])
			orders++
		}
	}
	if precision+recall == 0 {
		return 0
	}
	precision, recall = precision/orders, recall/orders
	const square = chrfBeta * chrfBeta
	return 100 * (1 + square) * precision * recall / (square*precision + recall)
}

// Score is chrF2, from 0 to 100.
func (c *ChrF) Score() float64 { return c.counts.score() }

// Signature says how the score was computed, in sacreBLEU's format.
func (c *ChrF) Signature() string {
	return "nrefs:" + references(c.fewestRefs, c.mostRefs) + "|case:mixed|eff:yes|nc:6|nw:0|space:no|" + scoreVersion
}

// String is the line that sacreBLEU prints.
func (c *ChrF) String() string { return fmt.Sprintf("chrF2|%s = %.2f", c.Signature(), c.Score()) }
