package mask

import "math/bits"

// Set is a set of positions of one row.
type Set []uint64

// Has says whether position j is in s.
func (s Set) Has(j int) bool { return s[j/64]>>(j%64)&1 != 0 }

// Len is the number of positions in s.
func (s Set) Len() int {
	n := 0
	for _, w := range s {
		n += bits.OnesCount64(w)
	}
	return n
}

func (s Set) add(j int) { s[j/64] |= 1 << (j % 64) }

// Reach is, for every position i of a row, the exact set R_L(i) of positions whose contents output i of an L-layer
// Transformer can depend on, whatever the weights:
//
//	R_0(i) = {i},  R_l(i) = R_{l−1}(i) ∪ ⋃_{j visible to i} R_{l−1}(j)
//
// Hidden tokens are among them though their contents are filled: callers take them out. It costs
// O(L·T³/64).
func (m *Mask) Reach(row, layers int) []Set {
	now, next := newSets(m.T), newSets(m.T)
	for i := range now {
		now[i].add(i)
	}
	for range layers {
		changed := false
		for i := range next {
			copy(next[i], now[i])
			for j := range m.T {
				if m.Visible(row, i, j) {
					changed = next[i].union(now[j]) || changed
				}
			}
		}
		if !changed {
			return now
		}
		now, next = next, now
	}
	return now
}

// union adds o to s and says whether s grew.
func (s Set) union(o Set) bool {
	var grew uint64
	for w := range s {
		grew |= o[w] &^ s[w]
		s[w] |= o[w]
	}
	return grew != 0
}

func newSets(t int) []Set {
	words := (t + 63) / 64
	all := make([]uint64, t*words)
	sets := make([]Set, t)
	for i := range sets {
		sets[i] = all[i*words : (i+1)*words : (i+1)*words]
	}
	return sets
}

// Leaks is the exact answer where Certify is the cheap one: every position of row b whose answer stands in R_L of it
// and is not hidden, with the shortest path it takes.
func (p *Plan) Leaks(b, layers int) []*Leak {
	reach := p.Mask.Reach(b, layers)
	var leaks []*Leak
	for i := range p.T {
		n := b*p.T + i
		if t := p.Answer[n]; t >= 0 && p.Hidden[b*p.T+int(t)] == 0 && reach[i].Has(int(t)) {
			leaks = append(leaks, p.leak(ByClosure, b, i))
		}
	}
	return leaks
}
