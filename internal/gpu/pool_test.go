//go:build cuda && !cudaemu

package gpu

import (
	"errors"
	"testing"

	"pgregory.net/rapid"
)

// fakeDriver hands out addresses from a limited memory.
type fakeDriver struct {
	next  Ptr
	free  int64
	sizes map[Ptr]int64
}

var errFull = errors.New("full")

func (f *fakeDriver) get(bytes int64) (Ptr, error) {
	if bytes > f.free {
		return 0, errFull
	}
	p := f.next
	f.next += Ptr(bytes + 1<<20)
	f.free -= bytes
	f.sizes[p] = bytes
	return p, nil
}

func (f *fakeDriver) put(p Ptr) error {
	f.free += f.sizes[p]
	delete(f.sizes, p)
	return nil
}

func newFake(memory int64) (*fakeDriver, *pool) {
	f := &fakeDriver{next: 1 << 20, free: memory, sizes: map[Ptr]int64{}}
	return f, newPool(f.get, f.put)
}

// Whatever is allocated and freed in whatever order, live allocations never overlap, lie within chunks, are aligned, and
// when all is free again every chunk is whole.
func TestPoolNeverOverlaps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f, p := newFake(512 << 20)
		live := map[Ptr]int64{}
		t.Repeat(map[string]func(*rapid.T){
			"alloc": func(t *rapid.T) {
				n := rapid.Int64Range(0, 100<<20).Draw(t, "bytes")
				at, err := p.alloc(n)
				if err != nil {
					return
				}
				if at%poolAlign != 0 {
					t.Fatalf("%d is not aligned", at)
				}
				inside := false
				for chunk, size := range f.sizes {
					inside = inside || (at >= chunk && at+Ptr(n) <= chunk+Ptr(size))
				}
				if !inside {
					t.Fatalf("%d bytes at %d lie in no chunk", n, at)
				}
				for other, size := range live {
					if at < other+Ptr(max(size, 1)) && other < at+Ptr(max(n, 1)) {
						t.Fatalf("%d bytes at %d overlap %d at %d", n, at, size, other)
					}
				}
				live[at] = n
			},
			"free": func(t *rapid.T) {
				for at := range live {
					if err := p.free(at); err != nil {
						t.Fatal(err)
					}
					delete(live, at)
					return
				}
			},
		})
		for at := range live {
			if err := p.free(at); err != nil {
				t.Fatal(err)
			}
		}
		if len(p.spans) != len(f.sizes) {
			t.Fatalf("%d spans of %d chunks are left", len(p.spans), len(f.sizes))
		}
	})
}

func TestPoolGivesIdleChunksBackBeforeItFails(t *testing.T) {
	_, p := newFake(100 << 20)
	a, err := p.alloc(70 << 20)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.free(a); err != nil {
		t.Fatal(err)
	}
	if _, err := p.alloc(90 << 20); err != nil {
		t.Errorf("the idle chunk was in the way: %v", err)
	}
	if _, err := p.alloc(90 << 20); !errors.Is(err, errFull) {
		t.Errorf("%v, want the driver's error", err)
	}
}

func TestPoolRefusesWhatItDidNotGive(t *testing.T) {
	_, p := newFake(100 << 20)
	a, err := p.alloc(1000)
	if err != nil {
		t.Fatal(err)
	}
	if p.free(a+256) == nil {
		t.Error("an address inside an allocation was freed")
	}
	if err := p.free(a); err != nil {
		t.Error(err)
	}
	if p.free(a) == nil {
		t.Error("an allocation was freed twice")
	}
}

// Stretches in use never overlap, and a ring that is asked for no more than its size always has room in the end.
func TestRing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := ring{size: 1000}
		for range 200 {
			n := rapid.IntRange(1, 1000).Draw(t, "bytes")
			at, ok := r.reserve(n)
			for !ok {
				if len(r.taken) == 0 {
					t.Fatalf("no room for %d in an empty ring", n)
				}
				r.oldest()
				at, ok = r.reserve(n)
			}
			if at < 0 || at+n > r.size {
				t.Fatalf("%d bytes at %d of %d", n, at, r.size)
			}
			for _, s := range r.taken {
				if at < s.to && s.from < at+n {
					t.Fatalf("%d … %d overlaps %d … %d", at, at+n, s.from, s.to)
				}
			}
			r.took(r.pending.done)
		}
	})
}
