package heap

import (
	"testing"

	"pgregory.net/rapid"
)

// Stretches in use never overlap, and a ring that is asked for no more than its size always has room in the end.
func TestRing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := NewRing[int](1000, 64)
		for range 200 {
			n := rapid.IntRange(1, 1000).Draw(t, "bytes")
			at, ok := r.Reserve(n)
			for !ok {
				if len(r.taken) == 0 {
					t.Fatalf("no room for %d in an empty ring", n)
				}
				r.Oldest()
				at, ok = r.Reserve(n)
			}
			if at < 0 || at+n > r.size {
				t.Fatalf("%d bytes at %d of %d", n, at, r.size)
			}
			for _, s := range r.taken {
				if at < s.to && s.from < at+n {
					t.Fatalf("%d … %d overlaps %d … %d", at, at+n, s.from, s.to)
				}
			}
			r.Took(r.pending.done)
		}
	})
}
