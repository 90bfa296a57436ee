package files

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestWhatIsInUseIsWaitedForAndToldApart(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "x")
	put(t, path, "1")
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := RemoveAll(path); !InUse(err) {
		t.Errorf("removed while it is read: %v", err)
	}
	if err := Write(path, []byte("2")); !InUse(err) {
		t.Errorf("replaced while it is read: %v", err)
	}
	holds(t, dir, "x=1")
	time.AfterFunc(patience/4, func() { f.Close() })
	if err := Write(path, []byte("3")); err != nil {
		t.Errorf("not waited for: %v", err)
	}
	holds(t, dir, "x=3")
}
