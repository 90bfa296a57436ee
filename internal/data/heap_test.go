package data

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// heapBound is what the heap may grow by while a large text is opened: buffers, not text.
const heapBound = 32 << 20

// A text of 64 MB, or of as many as DMTRAIN_HEAP_MB says, is encoded and opened without coming to lie on the heap.
func TestLargeTextStaysOffTheHeap(t *testing.T) {
	if os.Getenv("DMTRAIN_LONG") == "" {
		t.Skip("takes seconds; set DMTRAIN_LONG=1")
	}
	mb := 64
	if s := os.Getenv("DMTRAIN_HEAP_MB"); s != "" {
		if _, err := fmt.Sscan(s, &mb); err != nil {
			t.Fatal(err)
		}
	}
	dir := t.TempDir()
	writeLarge(t, filepath.Join(dir, "large.txt"), mb<<20)
	for _, kind := range []string{"byte", "char"} {
		c := configured(dir, kind, 128, "large.txt")
		c.DocumentSeparator = "\n\n"
		cache := t.TempDir()
		for _, when := range []string{"encoded", "found"} {
			before := heapSize()
			s := mustOpen(t, c, Options{CacheDir: cache})
			grown := heapSize() - before
			t.Logf("%s, %s: %d documents, %d tokens, heap grown by %.1f MB", kind, when,
				s.Train.Documents(), s.Train.Len()+s.Valid.Len(), float64(grown)/1e6)
			if grown > heapBound {
				t.Errorf("%s, %s: the heap grew by %d bytes for a text of %d MB", kind, when, grown, mb)
			}
		}
	}
	before := heapSize()
	mustOpen(t, configured(dir, "byte", 128, "large.txt"), Options{CacheFrom: 1 << 60})
	if grown := heapSize() - before; grown < int64(mb)<<20 {
		t.Errorf("in memory the text makes the heap grow by %d bytes only: the measure doesn't measure", grown)
	}
}

func writeLarge(t *testing.T, path string, size int) {
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w := bufio.NewWriter(f)
	for n, i := 0, 0; n < size; i++ {
		k, err := fmt.Fprintf(w, "line %d of a text that goes on and on, with é and €\n", i)
		if err != nil {
			t.Fatal(err)
		}
		if n += k; i%20 == 19 {
			w.WriteString("\n")
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// heapSize is the most the heap has ever held.
func heapSize() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapSys)
}
