package metrics

import "math/bits"

// longestCommon is the length of the longest common subsequence of words, by the usual table with rows as bit vectors
// (Hyyrö 2004, after Crochemore et al. 2001). A bit is 0 where the row increases by one. It takes len(a)·len(b)/64
// additions, and memory proportional to the sum of the lengths.
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

// rise computes the next row of the table: V becomes (V + (V∧M)) ∨ (V∧¬M), where M are the matching positions.
func rise(row, match []uint64) {
	carry := uint64(0)
	for i, v := range row {
		m := match[i]
		var sum uint64
		sum, carry = bits.Add64(v, v&m, carry)
		row[i] = sum | v&^m
	}
}

// places are the positions of each word in a text, as bit vectors. The few frequent words have vectors of their
// own; the others share one, which of fills on demand.
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

// of is the vector of a word, valid until the next call; nil if the text lacks the word.
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
