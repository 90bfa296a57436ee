package generate

import (
	"cmp"
	"context"
	"math"
	"slices"
)

// search follows the most probable texts of some sources, token by token.
type search struct {
	Options
	*cache
	sampler sampler
	beams   int            // texts followed for each source; 1 = greedy, or sampling where Temperature is above 0
	rows    []*text        // by source and beam, the best first; nil where there is none
	found   [][]Hypothesis // of each source
	parents []int32
}

// newSearch begins with a text for each source.
func newSearch(k *cache, o Options, texts []*text) *search {
	s := &search{
		Options: o,
		cache:   k,
		sampler: sampler{Sampling: o.Sampling},
		beams:   k.shape.Beams,
		rows:    make([]*text, k.shape.Rows()),
		found:   make([][]Hypothesis, len(texts)),
		parents: make([]int32, k.shape.Rows()),
	}
	for i, t := range texts {
		s.rows[i*s.beams] = t
	}
	return s
}

// live are the unfinished texts of source i.
func (s *search) live(i int) []*text {
	rows := s.rows[i*s.beams : (i+1)*s.beams]
	if n := slices.Index(rows, nil); n >= 0 {
		return rows[:n]
	}
	return rows
}

func (s *search) run(ctx context.Context, do steps) error {
	for at := 0; at < s.MaxTokens && s.unfinished(); at++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		if do.before != nil {
			do.before(at)
		}
		if err := s.catchUp(s.rows, 0); err != nil {
			return err
		}
		s.extend(at)
		for _, t := range s.rows {
			if t != nil {
				if err := do.hear(t, t.out[at:]); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// unfinished says whether any source lacks targets.
func (s *search) unfinished() bool {
	for i := range s.found {
		if len(s.found[i]) < s.beams && len(s.live(i)) > 0 {
			return true
		}
	}
	return false
}

// extend gives every text its next token.
func (s *search) extend(at int) {
	read := 0
	for row, t := range s.rows {
		s.parents[row] = int32(row)
		if t != nil {
			read = max(read, t.cached)
		}
	}
	for i := range s.found {
		s.extendSource(i, at)
	}
	if s.beams > 1 {
		s.reorder(s.parents, read)
	}
}

// candidate is a text with one more token.
type candidate struct {
	parent int
	id     int32
	sum    float64
}

// extendSource gives the texts of source i their next tokens.
func (s *search) extendSource(i, at int) {
	first, rows := i*s.beams, s.live(i)
	kept := slices.Clone(rows)
	clear(rows)
	if len(s.found[i]) >= s.beams {
		return
	}
	n := 0
	for rank, c := range s.candidates(kept, at) {
		parent := kept[c.parent]
		switch {
		case c.id == s.End:
			if rank < s.beams {
				s.found[i] = append(s.found[i], Hypothesis{parent.out, s.penalised(c.sum, at+1)})
			}
		case n < s.beams:
			child := parent
			if s.beams > 1 {
				child = parent.branch(room(kept, n))
			}
			child.push(c.id)
			child.sum = c.sum
			s.rows[first+n], s.parents[first+n] = child, int32(first+c.parent)
			n++
		}
	}
}

// room is that of the n-th text's logits, which have been looked at; nil if there are not so many.
func room(texts []*text, n int) []float32 {
	if n < len(texts) {
		return texts[n].next
	}
	return nil
}

// candidates are the most probable continuations, twice as many as there are beams, or the one that was drawn.
func (s *search) candidates(kept []*text, at int) []candidate {
	best := make([]candidate, 0, 2*s.beams)
	for k, t := range kept {
		top := float64(slices.Max(t.next))
		norm := top + math.Log(sumExp(t.next, float32(top), 1))
		if s.beams == 1 {
			id := s.sampler.draw(t.next, t.place, at, s.Banned)
			return []candidate{{0, id, t.sum + float64(t.next[id]) - norm}}
		}
		for id, l := range t.next {
			if !slices.Contains(s.Banned, int32(id)) {
				best = insert(best, candidate{k, int32(id), t.sum + float64(l) - norm})
			}
		}
	}
	return best
}

// insert puts c in its place among the best so far, as many as there is room for; of equal ones the first stays ahead.
func insert(best []candidate, c candidate) []candidate {
	n := len(best)
	if n == cap(best) {
		if !(c.sum > best[n-1].sum) {
			return best
		}
		n--
	}
	best = append(best[:n], c)
	for ; n > 0 && best[n-1].sum < c.sum; n-- {
		best[n], best[n-1] = best[n-1], c
	}
	return best
}

// best are the finished texts of source i, and only where there is none the unfinished ones.
func (s *search) best(i int) []Hypothesis {
	h := s.found[i]
	if len(h) == 0 {
		for _, t := range s.live(i) {
			h = append(h, Hypothesis{t.out, s.penalised(t.sum, len(t.out))})
		}
	}
	slices.SortStableFunc(h, func(a, b Hypothesis) int { return cmp.Compare(b.Score, a.Score) })
	return h[:min(len(h), s.beams)]
}
