package metrics

import "math/bits"

// longestCommon is the length of the longest common subsequence of words: the usual table, of which each row is a
// vector of bits (Hyyrö 2004, after Crochemore et al. 2001). A bit is 0 where the row rises by one. Time is
// len(a)·len(b)/64 additions; memory grows with the sum of the lengths.
func longestCommon(a, b []string) int {
	if len(a) < len(b) {
		a, b = b, a
	}
	places := newPlaces(a)
	row := make([]uint64, places.words)
	for i := range row {
		row[i] = ^uint64(0)
	}
	for _, word := range b {
		if match := places.of(word); match != nil {
			rise(row, match)
		}
	}
	zeros := 0
	for _, v := range row {
		zeros += bits.OnesCount64(^v)
	}
	return zeros
}

// rise makes a row of the table into the next: V becomes (V + (V∧M)) ∨ (V∧¬M), M being the places that match.
func rise(row, match []uint64) {
	carry := uint64(0)
	for i, v := range row {
		m := match[i]
		var sum uint64
		sum, carry = bits.Add64(v, v&m, carry)
		row[i] = sum | v&^m
	}
}

// places are where each word stands in a text, as vectors of bits. Frequent words have a vector of their own, which
// are few; the others share one, which is filled in when asked for.
type places struct {
	words  int // of 64 bits in a vector
	at     map[string][]int32
	vector map[string][]uint64
	shared []uint64
	filled []int32 // places that are set in shared
}

func newPlaces(text []string) *places {
	p := &places{words: (len(text) + 63) / 64, at: map[string][]int32{}, vector: map[string][]uint64{}}
	for i, word := range text {
		p.at[word] = append(p.at[word], int32(i))
	}
	p.shared = make([]uint64, p.words)
	for word, at := range p.at {
		if len(at) > p.words {
			v := make([]uint64, p.words)
			set(v, at)
			p.vector[word] = v
			delete(p.at, word)
		}
	}
	return p
}

// of is the vector of a word, nil where it does not stand. It holds until the next call.
func (p *places) of(word string) []uint64 {
	if v := p.vector[word]; v != nil {
		return v
	}
	at := p.at[word]
	if at == nil {
		return nil
	}
	for _, i := range p.filled {
		p.shared[i/64] = 0
	}
	set(p.shared, at)
	p.filled = at
	return p.shared
}

func set(v []uint64, at []int32) {
	for _, i := range at {
		v[i/64] |= 1 << (i % 64)
	}
}
