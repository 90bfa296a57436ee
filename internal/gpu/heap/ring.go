package heap

// Ring hands out runs of a buffer in order and takes them back in order. An event of type E says when a run may be
// taken back.
type Ring[E any] struct {
	size, most int // bytes, and runs in use at once
	next       int
	taken      []stretch[E] // oldest first
	pending    stretch[E]   // reserved, its event not yet known
}

// NewRing makes a ring of size bytes, of which at most most runs are in use at once.
func NewRing[E any](size, most int) *Ring[E] { return &Ring[E]{size: size, most: most} }

// stretch is a run of bytes in use until its event has passed.
type stretch[E any] struct {
	from, to int
	done     E
}

// Reserve finds n bytes behind the newest stretch, or at the start when they don't fit there; false while the
// oldest stand in the way or there are too many.
func (r *Ring[E]) Reserve(n int) (at int, ok bool) {
	switch len(r.taken) {
	case 0:
		r.next = 0
	case r.most:
		return 0, false
	}
	at = r.next
	if at+n > r.size {
		at = 0
	}
	for _, s := range r.taken {
		if at < s.to && s.from < at+n {
			return 0, false
		}
	}
	r.pending = stretch[E]{from: at, to: at + n}
	r.next = at + n
	return at, true
}

// Took says which event frees the run that was reserved last.
func (r *Ring[E]) Took(done E) {
	r.pending.done = done
	r.taken = append(r.taken, r.pending)
}

// Oldest takes the oldest stretch back.
func (r *Ring[E]) Oldest() E {
	e := r.taken[0].done
	copy(r.taken, r.taken[1:])
	r.taken = r.taken[:len(r.taken)-1]
	return e
}
