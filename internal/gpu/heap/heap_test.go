package heap

import (
	"errors"
	"testing"

	"pgregory.net/rapid"

	"dmtrain/internal/gpu/driver"
)

// fakeDriver hands out addresses from a limited memory.
type fakeDriver struct {
	next  driver.Ptr
	free  int64
	sizes map[driver.Ptr]int64
}

var errFull = errors.New("full")

func (f *fakeDriver) get(bytes int64) (driver.Ptr, error) {
	if bytes > f.free {
		return 0, errFull
	}
	p := f.next
	f.next += driver.Ptr(bytes + 1<<20)
	f.free -= bytes
	f.sizes[p] = bytes
	return p, nil
}

func (f *fakeDriver) put(p driver.Ptr) error {
	f.free += f.sizes[p]
	delete(f.sizes, p)
	return nil
}

func newFake(memory int64) (*fakeDriver, *Heap) {
	f := &fakeDriver{next: 1 << 20, free: memory, sizes: map[driver.Ptr]int64{}}
	return f, New(f.get, f.put)
}

// Whatever is allocated and freed in whatever order, live allocations never overlap, lie within chunks, are
// aligned, and when all is free again every chunk is whole.
func TestHeapNeverOverlaps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f, p := newFake(512 << 20)
		live := map[driver.Ptr]int64{}
		t.Repeat(map[string]func(*rapid.T){
			"alloc": func(t *rapid.T) {
				n := rapid.Int64Range(0, 100<<20).Draw(t, "bytes")
				at, err := p.Alloc(n)
				if err != nil {
					return
				}
				if at%Align != 0 {
					t.Fatalf("%d is not aligned", at)
				}
				inside := false
				for chunk, size := range f.sizes {
					inside = inside || (at >= chunk && at+driver.Ptr(n) <= chunk+driver.Ptr(size))
				}
				if !inside {
					t.Fatalf("%d bytes at %d lie in no chunk", n, at)
				}
				for other, size := range live {
					if at < other+driver.Ptr(max(size, 1)) && other < at+driver.Ptr(max(n, 1)) {
						t.Fatalf("%d bytes at %d overlap %d at %d", n, at, size, other)
					}
				}
				live[at] = n
			},
			"free": func(t *rapid.T) {
				for at := range live {
					if err := p.Free(at); err != nil {
						t.Fatal(err)
					}
					delete(live, at)
					return
				}
			},
		})
		for at := range live {
			if err := p.Free(at); err != nil {
				t.Fatal(err)
			}
		}
		if len(p.spans) != len(f.sizes) {
			t.Fatalf("%d spans of %d chunks are left", len(p.spans), len(f.sizes))
		}
	})
}

func TestHeapGivesIdleChunksBackBeforeItFails(t *testing.T) {
	_, p := newFake(100 << 20)
	a, err := p.Alloc(70 << 20)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Free(a); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Alloc(90 << 20); err != nil {
		t.Errorf("the idle chunk was in the way: %v", err)
	}
	if _, err := p.Alloc(90 << 20); !errors.Is(err, errFull) {
		t.Errorf("%v, want the driver's error", err)
	}
}

func TestHeapRefusesWhatItDidNotGive(t *testing.T) {
	_, p := newFake(100 << 20)
	a, err := p.Alloc(1000)
	if err != nil {
		t.Fatal(err)
	}
	if p.Free(a+256) == nil {
		t.Error("an address inside an allocation was freed")
	}
	if err := p.Free(a); err != nil {
		t.Error(err)
	}
	if p.Free(a) == nil {
		t.Error("an allocation was freed twice")
	}
}
