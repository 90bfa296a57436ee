package tokenizer

import (
	"container/heap"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
)

// A vocabulary has at least the bytes and end-of-text.
const minPairsVocab = 256 + 1

// minPairCount is how often a pair must occur to become a token: one that occurs once teaches nothing.
const minPairCount = 2

// Trainer counts the pieces of training text and makes a vocabulary of them. The same text gives the same
// vocabulary, in whatever order it comes.
type Trainer struct {
	pieces map[string]int
}

// NewTrainer has read nothing yet.
func NewTrainer() *Trainer { return &Trainer{pieces: map[string]int{}} }

// Add counts a text that no piece crosses the end of: a document, a line, or what a SplitPoint cut off.
func (t *Trainer) Add(text []byte) {
	for len(text) > 0 {
		n := firstPiece(text)
		t.pieces[string(text[:n])]++
		text = text[n:]
	}
}

// Read counts all that r has.
func (t *Trainer) Read(r io.Reader) error {
	buf := make([]byte, 0, 1<<18)
	for {
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if err == io.EOF {
			t.Add(buf)
			return nil
		}
		if err != nil {
			return err
		}
		if len(buf) < cap(buf) {
			continue
		}
		cut := settled(buf)
		t.Add(buf[:cut])
		buf = buf[:copy(buf, buf[cut:])]
		if len(buf) == cap(buf) {
			buf = slices.Grow(buf, cap(buf))
		}
	}
}

// Train makes a vocabulary of at most size ids, the 256 bytes and end-of-text among them: fewer if no further pair
// occurs twice. With documents, end-of-text begins and ends them.
func (t *Trainer) Train(size int, documents bool) (Tokenizer, error) {
	if size < minPairsVocab {
		return nil, fmt.Errorf("size: %d is below %d, the 256 bytes and end-of-text", size, minPairsVocab)
	}
	if len(t.pieces) == 0 {
		return nil, errors.New("no text to train on")
	}
	v := newLearning(t.pieces)
	v.learn(size - 1)
	end := int32(len(v.tokens))
	return newPairs("bpe", append(v.tokens, ""), end, v.merges, documents), nil
}

// Train reads texts and makes a vocabulary of them; see Trainer.
func Train(size int, texts ...io.Reader) (Tokenizer, error) {
	t := NewTrainer()
	for _, r := range texts {
		if err := t.Read(r); err != nil {
			return nil, err
		}
	}
	return t.Train(size, true)
}

// learning is a vocabulary in the making: the most frequent pair of neighbours becomes a token, again and again; of
// equally frequent ones that with the lowest ids.
type learning struct {
	tokens []string
	ids    map[string]int32
	merges []pair

	words []word
	pairs map[pair]*pairCount
	queue frequent
}

// word is a distinct piece as it is cut so far.
type word struct {
	ids   []int32
	count int
}

// pairCount is how often a pair occurs, and in which words, some of which may have lost it.
type pairCount struct {
	count int
	words []int32
}

func newLearning(pieces map[string]int) *learning {
	l := &learning{tokens: byteTokens(), ids: map[string]int32{}, pairs: map[pair]*pairCount{}}
	for id, token := range l.tokens {
		l.ids[token] = int32(id)
	}
	for _, piece := range slices.Sorted(maps.Keys(pieces)) {
		w := word{count: pieces[piece]}
		for i := range len(piece) {
			w.ids = append(w.ids, l.ids[piece[i:i+1]])
		}
		l.words = append(l.words, w)
		for i := 1; i < len(w.ids); i++ {
			l.count(pair{w.ids[i-1], w.ids[i]}, w.count, int32(len(l.words)-1))
		}
	}
	for p, c := range l.pairs {
		l.queue = append(l.queue, counted{p, c.count})
	}
	heap.Init(&l.queue)
	return l
}

// byteTokens are the bytes in the order of their visible characters.
func byteTokens() []string {
	order := make([]int, 256)
	for b := range order {
		order[b] = b
	}
	slices.SortFunc(order, func(a, b int) int { return int(byteLevel(byte(a)) - byteLevel(byte(b))) })
	tokens := make([]string, 256)
	for id, b := range order {
		tokens[id] = string([]byte{byte(b)})
	}
	return tokens
}

// count adds to a pair's count for the sake of a word.
func (l *learning) count(p pair, by int, at int32) {
	c := l.pairs[p]
	if c == nil {
		c = &pairCount{}
		l.pairs[p] = c
	}
	c.count += by
	if by > 0 && (len(c.words) == 0 || c.words[len(c.words)-1] != at) {
		c.words = append(c.words, at)
	}
}

// learn adds tokens until there are n, or no pair is left that is frequent enough.
func (l *learning) learn(n int) {
	for len(l.tokens) < n && len(l.queue) > 0 {
		top := heap.Pop(&l.queue).(counted)
		c := l.pairs[top.pair]
		switch {
		case c == nil || c.count < minPairCount:
		case c.count != top.count: // it has changed since it was queued
			heap.Push(&l.queue, counted{top.pair, c.count})
		default:
			l.merge(top.pair, c.words)
		}
	}
}

// merge makes a token of a pair and replaces it in the words that have it.
func (l *learning) merge(p pair, words []int32) {
	token := l.tokens[p.left] + l.tokens[p.right]
	id, known := l.ids[token] // the same bytes may come about in two ways
	if !known {
		id = int32(len(l.tokens))
		l.tokens, l.ids[token] = append(l.tokens, token), id
	}
	l.merges = append(l.merges, p)
	fresh := map[pair]struct{}{}
	for _, at := range words {
		l.replace(at, p, id, fresh)
	}
	delete(l.pairs, p)
	for p := range fresh {
		if c := l.pairs[p]; c != nil {
			heap.Push(&l.queue, counted{p, c.count})
		}
	}
}

// replace merges a pair wherever a word has it, keeping the counts of its neighbours, and notes the pairs that come
// about.
func (l *learning) replace(at int32, p pair, id int32, fresh map[pair]struct{}) {
	w := &l.words[at]
	ids, n := w.ids, 0
	for i := 0; i < len(ids); i++ {
		if i+1 == len(ids) || ids[i] != p.left || ids[i+1] != p.right {
			ids[n] = ids[i]
			n++
			continue
		}
		if n > 0 {
			l.count(pair{ids[n-1], p.left}, -w.count, at)
			l.count(pair{ids[n-1], id}, w.count, at)
			fresh[pair{ids[n-1], id}] = struct{}{}
		}
		if i+2 < len(ids) {
			l.count(pair{p.right, ids[i+2]}, -w.count, at)
			l.count(pair{id, ids[i+2]}, w.count, at)
			fresh[pair{id, ids[i+2]}] = struct{}{}
		}
		ids[n] = id
		n++
		i++
	}
	w.ids = ids[:n]
}

// counted is a pair with its count when it was queued.
type counted struct {
	pair  pair
	count int
}

// frequent is a heap of pairs by falling count, then by rising ids.
type frequent []counted

func (f frequent) Len() int { return len(f) }
func (f frequent) Less(i, j int) bool {
	a, b := f[i], f[j]
	switch {
	case a.count != b.count:
		return a.count > b.count
	case a.pair.left != b.pair.left:
		return a.pair.left < b.pair.left
	}
	return a.pair.right < b.pair.right
}
func (f frequent) Swap(i, j int) { f[i], f[j] = f[j], f[i] }
func (f *frequent) Push(x any)   { *f = append(*f, x.(counted)) }
func (f *frequent) Pop() any {
	last := len(*f) - 1
	x := (*f)[last]
	*f = (*f)[:last]
	return x
}
