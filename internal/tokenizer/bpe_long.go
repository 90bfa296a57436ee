package tokenizer

import "container/heap"

// mergeLong merges a piece of n tokens in n·log n: the tokens are a linked list, the pairs that have a rank a heap.
func (t *pairTokenizer) mergeLong(ids []int32) []int32 {
	l := newChain(ids)
	var todo candidates
	offer := func(at int) {
		if p, ok := l.pairAt(at); ok {
			if m, ok := t.ranks[p]; ok {
				todo = append(todo, candidate{m, at, p})
			}
		}
	}
	for i := range ids {
		offer(i)
	}
	heap.Init(&todo)
	for len(todo) > 0 {
		c := heap.Pop(&todo).(candidate)
		if p, ok := l.pairAt(c.at); !ok || p != c.pair {
			continue // one of the two was merged with another in the meantime
		}
		l.join(c.at, c.id)
		for _, at := range []int{l.prev[c.at], c.at} {
			n := len(todo)
			if offer(at); len(todo) > n {
				heap.Fix(&todo, n)
			}
		}
	}
	return l.rest()
}

// candidate is a pair that may be merged: the left token's place, and what stood there when it was found.
type candidate struct {
	merge
	at   int
	pair pair
}

// candidates are a heap by rank, then by place.
type candidates []candidate

func (c candidates) Len() int { return len(c) }
func (c candidates) Less(i, j int) bool {
	if c[i].rank != c[j].rank {
		return c[i].rank < c[j].rank
	}
	return c[i].at < c[j].at
}
func (c candidates) Swap(i, j int) { c[i], c[j] = c[j], c[i] }
func (c *candidates) Push(x any)   { *c = append(*c, x.(candidate)) }
func (c *candidates) Pop() any {
	last := len(*c) - 1
	x := (*c)[last]
	*c = (*c)[:last]
	return x
}

// chain is a piece's tokens as a doubly linked list. A token that was merged into its left neighbour is −1.
type chain struct {
	ids        []int32
	prev, next []int // −1 and len(ids) past the ends
}

func newChain(ids []int32) *chain {
	l := &chain{ids: append([]int32(nil), ids...), prev: make([]int, len(ids)), next: make([]int, len(ids))}
	for i := range ids {
		l.prev[i], l.next[i] = i-1, i+1
	}
	return l
}

// pairAt is the token at a place and the next one.
func (l *chain) pairAt(at int) (pair, bool) {
	if at < 0 || l.ids[at] < 0 || l.next[at] == len(l.ids) {
		return pair{}, false
	}
	return pair{l.ids[at], l.ids[l.next[at]]}, true
}

// join makes one token of that at a place and the next one.
func (l *chain) join(at int, id int32) {
	gone := l.next[at]
	l.ids[at], l.ids[gone] = id, -1
	l.next[at] = l.next[gone]
	if after := l.next[at]; after < len(l.ids) {
		l.prev[after] = at
	}
}

func (l *chain) rest() []int32 {
	out := l.ids[:0]
	for at := 0; at < len(l.ids); at = l.next[at] {
		out = append(out, l.ids[at])
	}
	return out
}
