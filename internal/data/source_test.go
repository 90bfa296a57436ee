package data

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"dmtrain/internal/tokenizer"
)

// write makes files in a new directory and returns its path.
func write(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func names(sources []source, dir string) []string {
	var out []string
	for _, s := range sources {
		rel, err := filepath.Rel(dir, s.name)
		if err != nil {
			rel = s.name
		}
		out = append(out, rel)
	}
	return out
}

func TestResolve(t *testing.T) {
	dir := write(t, map[string]string{
		"b.txt": "b", "a.txt": "a", "sub/c.txt": "c", "sub/deep/d.md": "d", ".hidden": "h", ".git/config": "g", "[x].txt": "x",
	})
	for _, c := range []struct {
		name    string
		entries []string
		want    []string
	}{
		{"a file", []string{"b.txt"}, []string{"b.txt"}},
		{"in the order given", []string{"b.txt", "a.txt"}, []string{"b.txt", "a.txt"}},
		{"a glob, sorted", []string{"?.txt"}, []string{"a.txt", "b.txt"}},
		{"a name that looks like a pattern", []string{"[x].txt"}, []string{"[x].txt"}},
		{"a directory, all the way down, without hidden files", []string{"."}, []string{"[x].txt", "a.txt", "b.txt", "sub/c.txt", "sub/deep/d.md"}},
		{"a glob that matches a directory", []string{"s*"}, []string{"sub/c.txt", "sub/deep/d.md"}},
		{"twice is once", []string{"a.txt", "*.txt"}, []string{"a.txt", "[x].txt", "b.txt"}},
	} {
		entries := make([]string, len(c.entries))
		for i, e := range c.entries {
			entries[i] = filepath.Join(dir, e)
		}
		got, err := resolve("data.train", entries)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
		} else if !slices.Equal(names(got, dir), c.want) {
			t.Errorf("%s: %q, want %q", c.name, names(got, dir), c.want)
		}
	}
}

func TestBadSourcesAreNamed(t *testing.T) {
	dir := write(t, map[string]string{
		"good.txt": "good", "empty.txt": "", "blank.txt": " \n\t", "nul.bin": "text\x00text", "latin.txt": strings.Repeat("\xe9\xe8a", 50),
		"void/.keep": "", "binaries/one.bin": "\x00", "binaries/two.bin": "",
	})
	for _, c := range []struct{ entry, want string }{
		{"missing.txt", "missing.txt: no such file"},
		{"good.txt/x", "good.txt/x: not a directory"},
		{"*.none", "matches no file"},
		{"[", "not a pattern"},
		{"void", "a directory without files"},
		{"empty.txt", "empty.txt: empty"},
		{"blank.txt", "blank.txt: nothing but white space"},
		{"nul.bin", "nul.bin: not text: has NUL bytes"},
		{"latin.txt", "latin.txt: not UTF-8 text: 67 % of its bytes are invalid"},
		{"binaries", "none of the 2 files is text"},
		{"binaries/*.bin", "none of the 2 files is text"},
	} {
		_, _, err := OpenCorpus("--data", []string{filepath.Join(dir, c.entry)}, "", Options{Tokenizer: byteTokenizer(t, 1)})
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "--data: ") {
			t.Errorf("%s: error %v, want --data: … %s", c.entry, err, c.want)
		}
	}
	if _, _, err := OpenCorpus("--data", nil, "", Options{Tokenizer: byteTokenizer(t, 1)}); err == nil {
		t.Error("no sources give no error")
	}
	if _, err := resolve("data.train", []string{os.DevNull}); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("a device: error %v", err)
	}
}

func TestUnreadableFile(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("root reads everything")
	}
	dir := write(t, map[string]string{"secret.txt": "text"})
	path := filepath.Join(dir, "secret.txt")
	if err := os.Chmod(path, 0); err != nil {
		t.Fatal(err)
	}
	_, _, err := OpenCorpus("--data", []string{path}, "", Options{Tokenizer: byteTokenizer(t, 1)})
	if err == nil || !strings.Contains(err.Error(), "secret.txt: permission denied") {
		t.Errorf("error %v", err)
	}
}

// What a directory holds besides text is passed over; what is named must be text.
func TestDirectoriesPassOverWhatIsNoText(t *testing.T) {
	dir := write(t, map[string]string{"a.txt": "hello", "b.png": "\x89PNG\x00", "c.txt": ""})
	c, warnings, err := OpenCorpus("--data", []string{dir}, "", Options{Tokenizer: byteTokenizer(t, 1)})
	if err != nil {
		t.Fatal(err)
	}
	if c.Len() != 5 || len(warnings) != 2 || !strings.Contains(warnings[0], "b.png: passed over: not text") || !strings.Contains(warnings[1], "c.txt: passed over: empty") {
		t.Errorf("%d tokens, warnings %q", c.Len(), warnings)
	}
}

func TestFileThatChangesIsNoticed(t *testing.T) {
	dir := write(t, map[string]string{"a.txt": "some text"})
	path := filepath.Join(dir, "a.txt")
	for _, now := range []string{"some text and more", "some"} {
		found, err := resolve("data.train", []string{path})
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(now), 0o644); err != nil {
			t.Fatal(err)
		}
		_, _, _, err = survey("data.train", found, "", tokenizer.Config{})
		if err == nil || !strings.Contains(err.Error(), "a.txt: changed while it was read") {
			t.Errorf("after writing %q: error %v", now, err)
		}
		if err := os.WriteFile(path, []byte("some text"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// Documents are what strings.Split gives, less the blank ones, for any sizes of reads.
func TestReaderSplitsDocuments(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOf(rapid.SampledFrom([]rune("ab-=\n €"))).Draw(t, "text")
		separator := rapid.SampledFrom([]string{"", "-", "--", "-=-", "\n\n", "€"}).Draw(t, "separator")
		size := rapid.IntRange(1, 9).Draw(t, "read size")
		var want []string
		parts := []string{text}
		if separator != "" {
			parts = strings.Split(text, separator)
		}
		for _, p := range parts {
			if strings.TrimSpace(p) != "" {
				want = append(want, p)
			}
		}
		var got []string
		document := ""
		r := reader{separator: []byte(separator), split: tokenizer.WholeRunes, piece: func(piece []byte, last bool) error {
			if cut := tokenizer.WholeRunes(piece); !last && cut != len(piece) {
				t.Errorf("piece %q cuts a character", piece)
			}
			if document += string(piece); last {
				got = append(got, document)
				document = ""
			}
			return nil
		}}
		if err := r.readFrom(strings.NewReader(text), size); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got, want) || document != "" {
			t.Errorf("got %q and %q, want %q", got, document, want)
		}
	})
}
