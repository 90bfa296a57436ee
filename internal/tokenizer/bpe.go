package tokenizer

// pairTokenizer is byte-level byte pair encoding (Sennrich et al. 2016; Radford et al. 2019): a piece of text
// begins as its bytes, and the pair of neighbours with the lowest rank is merged, the leftmost first, until none of
// the pairs left has a rank. Where it is learnt here, ids 0–255 are the bytes in the order of their visible
// characters (byteLevel), then come merged tokens, then end-of-text; files that others wrote may have them in any
// order.
type pairTokenizer struct {
	kind     string
	tokens   []string       // by id: its bytes; end-of-text has none
	end      int32          // the id of end-of-text
	merges   []pair         // by rank
	ranks    map[pair]merge // the merges again, by pair
	whole    map[string]int32
	byteIDs  [256]int32
	specials Specials
}

// pair is two neighbouring tokens.
type pair struct{ left, right int32 }

// merge is what becomes of a pair.
type merge struct {
	rank int
	id   int32
}

// newPairs makes a tokenizer of tokens, of which the one with the id end has no bytes, and of merges whose results
// are all among them.
func newPairs(kind string, tokens []string, end int32, merges []pair, documents bool) *pairTokenizer {
	t := &pairTokenizer{
		kind:     kind,
		tokens:   tokens,
		end:      end,
		merges:   merges,
		ranks:    make(map[pair]merge, len(merges)),
		specials: noSpecials,
	}
	ids := make(map[string]int32, len(tokens))
	for i, token := range tokens {
		if int32(i) != end {
			ids[token] = int32(i)
		}
	}
	for b := range 256 {
		t.byteIDs[b] = ids[string([]byte{byte(b)})]
	}
	for rank, p := range merges {
		if _, twice := t.ranks[p]; !twice {
			t.ranks[p] = merge{rank, ids[tokens[p.left]+tokens[p.right]]}
		}
	}
	t.whole = t.reachable()
	if documents {
		t.specials = Specials{Begin: end, End: end}
	}
	return t
}

// reachable are the tokens that their own bytes merge to. A piece found here needs no merging.
func (t *pairTokenizer) reachable() map[string]int32 {
	whole := make(map[string]int32, len(t.tokens))
	var ids []int32
	for id, token := range t.tokens {
		if ids = t.mergeAll(ids[:0], []byte(token)); len(ids) == 1 && int32(id) != t.end {
			whole[token] = int32(id)
		}
	}
	return whole
}

func (t *pairTokenizer) Kind() string               { return t.kind }
func (t *pairTokenizer) Vocab() int                 { return len(t.tokens) }
func (t *pairTokenizer) Specials() Specials         { return t.specials }
func (t *pairTokenizer) SplitPoint(text []byte) int { return settled(text) }

func (t *pairTokenizer) Encode(dst []int32, text []byte) ([]int32, int) {
	for len(text) > 0 {
		n := firstPiece(text)
		if id, ok := t.whole[string(text[:n])]; ok {
			dst = append(dst, id)
		} else {
			dst = t.mergeAll(dst, text[:n])
		}
		text = text[n:]
	}
	return dst, 0
}

func (t *pairTokenizer) Decode(dst []byte, ids []int32) []byte {
	for _, id := range ids {
		if 0 <= id && int(id) < len(t.tokens) {
			dst = append(dst, t.tokens[id]...)
		} else {
			dst = append(dst, replacement...)
		}
	}
	return dst
}

// mergeAll appends the ids of one piece.
func (t *pairTokenizer) mergeAll(dst []int32, piece []byte) []int32 {
	at := len(dst)
	for _, b := range piece {
		dst = append(dst, t.byteIDs[b])
	}
	if len(piece) > longPiece {
		return append(dst[:at], t.mergeLong(dst[at:])...)
	}
	return dst[:at+t.mergeShort(dst[at:])]
}

// longPiece is the length in bytes from which on looking for the lowest rank again after every merge costs too much.
const longPiece = 100

// mergeShort merges ids in place and returns how many are left.
func (t *pairTokenizer) mergeShort(ids []int32) int {
	for len(ids) > 1 {
		at, best := -1, merge{}
		for i := range len(ids) - 1 {
			if m, ok := t.ranks[pair{ids[i], ids[i+1]}]; ok && (at < 0 || m.rank < best.rank) {
				at, best = i, m
			}
		}
		if at < 0 {
			break
		}
		ids[at] = best.id
		ids = append(ids[:at+1], ids[at+2:]...)
	}
	return len(ids)
}
