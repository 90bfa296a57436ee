package data

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// leastCost tries every way to cut pairs by source length and each part by target length.
func leastCost(sources, targets []int, buckets, tokens int) int {
	s, t, least := slices.Max(sources), slices.Max(targets), math.MaxInt
	var bySource func(s0, left, cost int)
	var byTarget func(s0, s1, t0, left, cost int)
	bySource = func(s0, left, cost int) {
		if s0 == s {
			least = min(least, cost)
		}
		for s1 := s0 + 1; left > 0 && s1 <= s; s1++ {
			byTarget(s0, s1, 0, left, cost)
		}
	}
	byTarget = func(s0, s1, t0, left, cost int) {
		if t0 == t {
			bySource(s1, left, cost)
		}
		for t1 := t0 + 1; left > 0 && t1 <= t; t1++ {
			within := func(i int) bool {
				return sources[i] > s0 && sources[i] <= s1 && targets[i] > t0 && targets[i] <= t1
			}
			byTarget(s0, s1, t1, left-1, cost+costWithin(sources, targets, tokens, within))
		}
	}
	bySource(0, buckets, 0)
	return least
}

// costWithin is the cost of a bucket of some of the pairs.
func costWithin(sources, targets []int, tokens int, within func(i int) bool) int {
	n, source, target := 0, 0, 0
	for i := range sources {
		if within(i) {
			n, source, target = n+1, max(source, sources[i]), max(target, targets[i])
		}
	}
	return stepCost(n, source, target, tokens)
}

// total is the cost of chosen buckets.
func (g *bucketBounds) total(ranges []bucketRange, sources, targets []int, tokens int) (cost int) {
	for _, r := range ranges {
		cost += costWithin(sources, targets, tokens,
			func(i int) bool { return r.holds(g.cell(sources[i], targets[i])) })
	}
	return cost
}

func TestBucketsCostTheLeast(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		sources := rapid.SliceOfN(rapid.IntRange(1, 5), 1, 12).Draw(rt, "sources")
		targets := rapid.SliceOfN(rapid.IntRange(1, 5), len(sources), len(sources)).Draw(rt, "targets")
		buckets, tokens := rapid.IntRange(1, 4).Draw(rt, "buckets"), rapid.IntRange(1, 30).Draw(rt, "tokens")
		g := newBucketBounds(sources, targets)
		ranges := g.choose(buckets, tokens)
		if len(ranges) > buckets {
			rt.Fatalf("%d buckets of at most %d", len(ranges), buckets)
		}
		for i := range sources {
			in := 0
			for _, r := range ranges {
				if r.holds(g.cell(sources[i], targets[i])) {
					in++
				}
			}
			if in != 1 {
				rt.Fatalf("pair %d is in %d of %v", i, in, ranges)
			}
		}
		if cost, want := g.total(ranges, sources, targets, tokens),
			leastCost(sources, targets, buckets, tokens); cost != want {
			rt.Fatalf("cost %d, the least is %d: %v", cost, want, ranges)
		}
	})
}

func TestManyLengthsAreThinned(t *testing.T) {
	var lengths []int
	for n := range 1000 {
		lengths = append(lengths, n%500+1)
	}
	got := cuts(lengths)
	if len(got) > maxCuts || got[len(got)-1] != 500 || !slices.IsSorted(got) {
		t.Errorf("%v", got)
	}
}

// More buckets have less padding, and one long pair costs a step of its own instead of padding all others.
func TestBucketsSaveSteps(t *testing.T) {
	var sources, targets []int
	for n := range 10_000 {
		sources, targets = append(sources, 5+n%20), append(targets, 5+(n*7)%20)
	}
	sources, targets = append(sources, 60), append(targets, 64)
	g := newBucketBounds(sources, targets)
	cost := func(buckets int) int { return g.total(g.choose(buckets, 2048), sources, targets, 2048) }
	if one, four, eight := cost(1), cost(4), cost(8); !(eight < four && 2*four < one) {
		t.Errorf("tokens an epoch: %d with one bucket, %d with four, %d with eight", one, four, eight)
	}
}
