package data

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// cachedSet opens files as if they were large, and returns what is in the cache afterwards.
func cachedSet(t *testing.T, c Config, cache string) (*Set, []string) {
	t.Helper()
	s := mustOpen(t, c, Options{CacheDir: cache, CacheFrom: 1})
	files, err := filepath.Glob(filepath.Join(cache, "*"))
	if err != nil {
		t.Fatal(err)
	}
	return s, files
}

func TestCacheHoldsWhatMemoryHolds(t *testing.T) {
	var b strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&b, "line %d of a text with é and €\n", i)
		if i%100 == 99 {
			b.WriteString("====\n")
		}
	}
	dir := write(t, map[string]string{"a.txt": b.String(), "b.txt": "a text and a line"})
	for _, kind := range []string{"byte", "char"} {
		c := configured(dir, kind, 16, "a.txt", "b.txt")
		c.DocumentSeparator = "====\n"
		memory := mustOpen(t, c, Options{})
		cache := t.TempDir()
		for _, when := range []string{"written", "found"} {
			cached, files := cachedSet(t, c, cache)
			if len(files) != 1 || cached.Train.file.close == nil {
				t.Errorf("%s, %s: %d files in the cache, want one, mapped", kind, when, len(files))
			}
			if !slices.Equal(tokens(cached.Train), tokens(memory.Train)) ||
				!slices.Equal(tokens(cached.Valid), tokens(memory.Valid)) ||
				cached.Train.Checksum() != memory.Train.Checksum() || cached.UnigramEntropy != memory.UnigramEntropy ||
				len(cached.Warnings) != 0 {
				t.Errorf("%s, %s: cache and memory differ", kind, when)
			}
			for name, b := range cached.Tokenizer.Files() {
				if string(b) != string(memory.Tokenizer.Files()[name]) {
					t.Errorf("%s, %s: another %s", kind, when, name)
				}
			}
		}
	}
}

func TestCacheIsReadRatherThanTheText(t *testing.T) {
	dir, cache := write(t, map[string]string{"a.txt": strings.Repeat("abcd", 50)}), t.TempDir()
	c := configured(dir, "byte", 8, "a.txt")
	path := filepath.Join(dir, "a.txt")
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	before, files := cachedSet(t, c, cache)
	written, err := os.Stat(files[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, info.ModTime(), info.ModTime().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	same, files := cachedSet(t, c, cache)
	if now, err := os.Stat(files[0]); err != nil || !now.ModTime().Equal(written.ModTime()) || len(files) != 1 ||
		text(same, same.Train) != text(before, before.Train) {
		t.Error("the same text is encoded again")
	}
	if err := os.WriteFile(path, []byte(strings.Repeat("efgh", 50)), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, info.ModTime(), info.ModTime()); err != nil {
		t.Fatal(err)
	}
	after, files := cachedSet(t, c, cache)
	if !strings.HasPrefix(text(after, after.Train), "efgh") || len(files) != 2 {
		t.Errorf("a text changed under the same size and time isn't read: %q, %d files", text(after, after.Train)[:8],
			len(files))
	}
	c.Tokenizer.Kind = "char"
	if _, files := cachedSet(t, c, cache); len(files) != 3 {
		t.Errorf("%d files in the cache, want one more for another tokenizer", len(files))
	}
	c.DocumentSeparator = "h"
	if _, files := cachedSet(t, c, cache); len(files) != 4 {
		t.Errorf("%d files in the cache, want one more for another separator", len(files))
	}
}

func TestDamagedCacheIsMadeAnew(t *testing.T) {
	dir, cache := write(t, map[string]string{"a.txt": strings.Repeat("abcd", 50)}), t.TempDir()
	c := configured(dir, "byte", 8, "a.txt")
	before, files := cachedSet(t, c, cache)
	whole, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	want := slices.Clone(tokens(before.Train))
	if runtime.GOOS == "windows" { // which lets no one write to a file that is mapped
		before.Close()
	}
	flipped := slices.Clone(whole)
	flipped[len(flipped)/2] ^= 4
	for name, bad := range map[string][]byte{"altered": flipped, "cut short": whole[:len(whole)-3], "empty": {}} {
		if err := os.Remove(files[0]); err != nil { // the old one is still mapped
			t.Fatal(err)
		}
		if err := os.WriteFile(files[0], bad, 0o644); err != nil {
			t.Fatal(err)
		}
		after, _ := cachedSet(t, c, cache)
		if !slices.Equal(tokens(after.Train), want) {
			t.Errorf("%s: other tokens", name)
		}
		if len(after.Warnings) != 1 || !strings.Contains(after.Warnings[0], "damaged, made anew") {
			t.Errorf("%s: warnings %q", name, after.Warnings)
		}
		if now, err := os.ReadFile(files[0]); err != nil || !slices.Equal(now, whole) {
			t.Errorf("%s: the file isn't mended (%v)", name, err)
		}
		if runtime.GOOS == "windows" {
			after.Close()
		}
	}
}

// temporary makes dir the directory of temporary files.
func temporary(t *testing.T, dir string) {
	t.Helper()
	for _, name := range []string{"TMPDIR", "TMP", "TEMP"} {
		t.Setenv(name, dir)
	}
}

func TestUnwritableCacheIsDoneWithout(t *testing.T) {
	dir := write(t, map[string]string{"a.txt": strings.Repeat("abcd", 50), "file": ""})
	c := configured(dir, "byte", 8, "a.txt")
	cache := filepath.Join(dir, "file", "cache") // a directory that can't be made
	t.Run("temporary file", func(t *testing.T) {
		temp := t.TempDir()
		temporary(t, temp)
		s := mustOpen(t, c, Options{CacheDir: cache, CacheFrom: 1})
		if s.Train.file.close == nil || len(s.Warnings) != 1 ||
			!strings.Contains(s.Warnings[0], "can't be kept there ("+syscall.ENOTDIR.Error()+")") {
			t.Errorf("mapped: %v, warnings %q", s.Train.file.close != nil, s.Warnings)
		}
		if text(s, s.Train) != strings.Repeat("abcd", 45) {
			t.Errorf("text %q", text(s, s.Train))
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if left, err := os.ReadDir(temp); err != nil || len(left) != 0 {
			t.Errorf("left behind: %v (%v)", left, err)
		}
	})
	t.Run("memory", func(t *testing.T) {
		temporary(t, filepath.Join(dir, "file"))
		s := mustOpen(t, c, Options{CacheDir: cache, CacheFrom: 1})
		if s.Train.file.close != nil || text(s, s.Train) != strings.Repeat("abcd", 45) {
			t.Errorf("mapped: %v, text %q", s.Train.file.close != nil, text(s, s.Train))
		}
	})
}

func TestFailedEncodingLeavesNoFile(t *testing.T) {
	dir, cache := write(t, map[string]string{"a.txt": "text\x00"}), t.TempDir()
	_, err := Open(configured(dir, "byte", 1, "a.txt"), Options{CacheDir: cache, CacheFrom: 1})
	if err == nil || !strings.Contains(err.Error(), "a.txt: line 1: not text") {
		t.Errorf("error %v", err)
	}
	if left, err := os.ReadDir(cache); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v (%v)", left, err)
	}
}
