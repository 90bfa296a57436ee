package data

import "dmtrain/internal/rng"

// RandomPairs are n pairs of uniformly random tokens, the given number on each side, for benchmarks. They have no
// Texts.
func RandomPairs(seed uint64, n, tokens, vocab int) *Pairs {
	p := &Pairs{}
	for i := range 2 * n {
		ids := make([]int32, tokens)
		for t := range ids {
			ids[t] = int32(rng.Below(seed, rng.Probe, 0, uint32(i), uint32(t), vocab))
		}
		if i%2 == 0 {
			p.source = append(p.source, ids)
		} else {
			p.target = append(p.target, ids)
		}
	}
	return p
}
