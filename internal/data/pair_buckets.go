package data

import (
	"math"
	"slices"
)

// maxCuts is the number of lengths on each side that may bound buckets. Of more lengths, some evenly spread over the
// pairs are taken.
const maxCuts = 48

// bucketBounds are the possible bounds of buckets, which divide pairs into cells of source and target lengths. A bucket
// is the pairs in a range of source cells and a range of target cells.
type bucketBounds struct {
	source, target []int   // upper bounds of the cells, ascending
	count          [][]int // pairs by source and target cell
}

func newBucketBounds(sources, targets []int) *bucketBounds {
	g := &bucketBounds{source: cuts(sources), target: cuts(targets)}
	g.count = make([][]int, len(g.source))
	for i := range g.count {
		g.count[i] = make([]int, len(g.target))
	}
	for n := range sources {
		s, t := g.cell(sources[n], targets[n])
		g.count[s][t]++
	}
	return g
}

// cell finds the cell of a pair.
func (g *bucketBounds) cell(source, target int) (s, t int) {
	s, _ = slices.BinarySearch(g.source, source)
	t, _ = slices.BinarySearch(g.target, target)
	return s, t
}

// cuts are the distinct lengths, or maxCuts of them.
func cuts(lengths []int) []int {
	sorted := slices.Sorted(slices.Values(lengths))
	all := slices.Compact(slices.Clone(sorted))
	if len(all) <= maxCuts {
		return all
	}
	var some []int
	for i := 1; i <= maxCuts; i++ {
		some = append(some, sorted[i*len(sorted)/maxCuts-1])
	}
	return slices.Compact(some)
}

// bucketRange is a bucket: the pairs of source cells s0 … s1−1 and target cells t0 … t1−1.
type bucketRange struct{ s0, s1, t0, t1 int }

func (r bucketRange) holds(s, t int) bool { return s >= r.s0 && s < r.s1 && t >= r.t0 && t < r.t1 }

// stepCost is the number of tokens, padding included, that an epoch of a bucket computes: n pairs of the given source
// and target lengths, in steps of tokens tokens. A partial step costs as much as a full one, since it is one more
// update.
func stepCost(n, source, target, tokens int) int {
	if n == 0 {
		return 0
	}
	rows := max(1, tokens/(source+target))
	return (n + rows - 1) / rows * rows * (source + target)
}

// choose returns the cheapest buckets that hold every pair, at most the given number, among those made by cutting the
// pairs by source length and each part by target length. Of equal costs it takes the fewest buckets.
func (g *bucketBounds) choose(buckets, tokens int) []bucketRange {
	n := len(g.source)
	type choice struct{ cost, from, parts int }
	best := make([][]choice, n+1) // best[j][k]: source cells below j in k buckets
	for j := range best {
		best[j] = make([]choice, buckets+1)
		for k := range best[j] {
			best[j][k].cost = math.MaxInt
		}
	}
	best[0][0].cost = 0
	for j := 1; j <= n; j++ {
		b := newBand(g, j)
		for i := j - 1; i >= 0; i-- {
			b.add(i)
			b.split(buckets, tokens)
			for k := 1; k <= buckets; k++ {
				for m := 1; m <= k; m++ {
					before, part := best[i][k-m].cost, b.best[len(g.target)][m].cost
					if before != math.MaxInt && part != math.MaxInt && before+part < best[j][k].cost {
						best[j][k] = choice{before + part, i, m}
					}
				}
			}
		}
	}
	k := 1
	for m := 2; m <= buckets; m++ {
		if best[n][m].cost < best[n][k].cost {
			k = m
		}
	}
	var found []bucketRange
	for j := n; j > 0; {
		c := best[j][k]
		b := newBand(g, j)
		for i := j - 1; i >= c.from; i-- {
			b.add(i)
		}
		b.split(c.parts, tokens)
		found = append(found, b.ranges(c.parts, c.from, j)...)
		j, k = c.from, k-c.parts
	}
	slices.Reverse(found)
	return found
}

// band is a range of source cells, which is cut by target length.
type band struct {
	*bucketBounds
	pairs []int       // by target cell
	tall  []int       // by target cell: the longest source there
	best  [][]bandCut // best[q][m]: target cells below q in m buckets
}

type bandCut struct{ cost, from int }

// newBand is an empty band that ends before source cell j.
func newBand(g *bucketBounds, j int) *band {
	return &band{bucketBounds: g, pairs: make([]int, len(g.target)), tall: make([]int, len(g.target))}
}

// add adds source cell i, the one below the lowest.
func (b *band) add(i int) {
	for t, n := range b.count[i] {
		b.pairs[t] += n
		if n > 0 {
			b.tall[t] = max(b.tall[t], b.source[i])
		}
	}
}

// split finds the best cuts into 1 … parts buckets.
func (b *band) split(parts, tokens int) {
	n := len(b.target)
	if b.best == nil {
		b.best = make([][]bandCut, n+1)
		for q := range b.best {
			b.best[q] = make([]bandCut, parts+1)
		}
	}
	for q := range b.best {
		for m := range b.best[q] {
			b.best[q][m].cost = math.MaxInt
		}
	}
	b.best[0][0].cost = 0
	for q := 1; q <= n; q++ {
		pairs, source, target := 0, 0, 0
		for p := q - 1; p >= 0; p-- {
			pairs += b.pairs[p]
			source = max(source, b.tall[p])
			if target == 0 && b.pairs[p] > 0 {
				target = b.target[p]
			}
			cost := stepCost(pairs, source, target, tokens)
			for m := 1; m <= parts; m++ {
				if before := b.best[p][m-1].cost; before != math.MaxInt && before+cost < b.best[q][m].cost {
					b.best[q][m] = bandCut{before + cost, p}
				}
			}
		}
	}
}

// ranges are the buckets of the best cut into the given number of parts, the longest targets first.
func (b *band) ranges(parts, s0, s1 int) (r []bucketRange) {
	for q, m := len(b.target), parts; q > 0; m-- {
		p := b.best[q][m].from
		r = append(r, bucketRange{s0, s1, p, q})
		q = p
	}
	return r
}
