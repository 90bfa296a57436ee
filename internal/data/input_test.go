package data

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	"pgregory.net/rapid"

	"dmtrain/internal/textio"
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

func names(inputs []input, dir string) []string {
	var out []string
	for _, s := range inputs {
		rel, err := filepath.Rel(dir, s.name)
		if err != nil {
			rel = s.name
		}
		out = append(out, filepath.ToSlash(rel))
	}
	return out
}

func TestResolve(t *testing.T) {
	dir := write(t, map[string]string{
		"b.txt": "b", "a.txt": "a", "sub/c.txt": "c", "sub/deep/d.md": "d", ".hidden": "h", ".git/config": "g",
		"[x].txt": "x",
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
		{"a directory, all the way down, without hidden files", []string{"."},
			[]string{"[x].txt", "a.txt", "b.txt", "sub/c.txt", "sub/deep/d.md"}},
		{"a glob that matches a directory", []string{"s*"}, []string{"sub/c.txt", "sub/deep/d.md"}},
		{"twice is once", []string{"a.txt", "*.txt"}, []string{"a.txt", "[x].txt", "b.txt"}},
	} {
		entries := make([]string, len(c.entries))
		for i, e := range c.entries {
			entries[i] = filepath.Join(dir, e)
		}
		got, _, err := resolve("data.train", entries)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
		} else if !slices.Equal(names(got, dir), c.want) {
			t.Errorf("%s: %q, want %q", c.name, names(got, dir), c.want)
		}
	}
}

func TestBadSourcesAreNamed(t *testing.T) {
	dir := write(t, map[string]string{
		"good.txt": "good", "empty.txt": "", "blank.txt": " \n\t", "zero.bin": "text\x00text",
		"latin.txt":  strings.Repeat("\xe9\xe8a", 50),
		"void/.keep": "", "binaries/one.bin": "\x00", "binaries/two.bin": "",
	})
	for _, c := range []struct{ entry, want string }{
		{"missing.txt", "missing.txt: " + syscall.ENOENT.Error()},
		{"good.txt/x", filepath.FromSlash("good.txt/x: ") + syscall.ENOTDIR.Error()},
		{"*.none", "matches no file"},
		{"[", "not a pattern"},
		{"void", "a directory without files"},
		{"empty.txt", "empty.txt: empty"},
		{"blank.txt", "blank.txt: nothing but white space"},
		{"zero.bin", "zero.bin: line 1: not text: has NUL bytes"},
		{"latin.txt", "latin.txt: line 1: not UTF-8 but, as it seems, Windows-1252 or Latin-1 (100 of 150 bytes"},
		{"binaries", "none of the 2 files is text"},
		{"binaries/*.bin", "none of the 2 files is text"},
	} {
		_, _, err := OpenCorpus("--data", []string{filepath.Join(dir, c.entry)}, "",
			Options{Tokenizer: byteTokenizer(t, 1)})
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "--data: ") {
			t.Errorf("%s: error %v, want --data: … %s", c.entry, err, c.want)
		}
	}
	if _, _, err := OpenCorpus("--data", nil, "", Options{Tokenizer: byteTokenizer(t, 1)}); err == nil {
		t.Error("no inputs give no error")
	}
	if _, _, err := resolve("data.train", []string{os.DevNull}); err == nil ||
		!strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("a device: error %v", err)
	}
}

// Links are followed, the same file counts once by whatever name, loops end, and what leads nowhere is passed over
// with a warning.
func TestLinks(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("links take a privilege there")
	}
	dir := write(t, map[string]string{
		"data/a.txt":       "a",
		"data/sub/b.txt":   "b",
		"other/c.txt":      "c",
		"other/deep/d.txt": "d",
		"e.txt":            "e",
	})
	for link, to := range map[string]string{"data/other": "../other", "other/back": "../data", "data/loop": ".",
		"data/self": "self", "data/none.txt": "../none.txt",
		"data/e.txt": "../e.txt", "data/twice.txt": "a.txt", "link": "data", "data/.hidden": "../e.txt",
		"links": "link", "x.txt": "gone.txt"} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	whole := []string{"a.txt", "e.txt", "other/c.txt", "other/deep/d.txt", "sub/b.txt"}
	for _, entry := range []string{"data", "link", "links", "lin*s"} {
		found, passed, err := resolve("data.train", []string{filepath.Join(dir, entry)})
		if err != nil {
			t.Errorf("%s: %v", entry, err)
			continue
		}
		if entry == "lin*s" {
			entry = "links"
		}
		if got := names(found, filepath.Join(dir, entry)); !slices.Equal(got, whole) {
			t.Errorf("%s: %q, want %q", entry, got, whole)
		}
		if len(passed) != 2 || !strings.Contains(passed[0], "none.txt: passed over: a link that leads nowhere") ||
			!strings.Contains(passed[1], "self: passed over: a link") {
			t.Errorf("%s: passed over %q", entry, passed)
		}
	}
	got, passed, err := resolve("data.train", []string{filepath.Join(dir, "*.txt")})
	if err != nil || !slices.Equal(names(got, dir), []string{"e.txt"}) || len(passed) != 1 {
		t.Errorf("glob: %q, passed over %q, %v", names(got, dir), passed, err)
	}
	if _, _, err := resolve("data.train", []string{filepath.Join(dir, "x.txt")}); err == nil ||
		!strings.Contains(err.Error(), "x.txt: no such file") {
		t.Errorf("a link to nothing that is named: error %v", err)
	}
	if _, warnings, err := resolve("data.train",
		[]string{filepath.Join(dir, "e.txt"), filepath.Join(dir, "data/e.txt")}); err != nil || len(warnings) != 1 ||
		!strings.HasSuffix(warnings[0], "e.txt: named twice, read once") {
		t.Errorf("named twice: %q, %v", warnings, err)
	}
}

func TestMissingFilesSayWhereTheyWereLookedFor(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for entry, want := range map[string]string{
		"t.txt": syscall.ENOENT.Error() + " (" + filepath.Join(dir, "t.txt") +
			": names count from where the program is run)",
		"a.txt,b.txt": syscall.ENOENT.Error() + "; several names are a list, as [a.txt, b.txt]",
	} {
		if _, _, err := resolve("data.train", []string{entry}); err == nil || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%s: error %v, want …%s", entry, err, want)
		}
	}
}

// Byte order marks are skipped, and bytes that are not UTF-8 are reported with their line.
func TestTextIsReadAsUTF8(t *testing.T) {
	long := strings.Repeat("some text\n", 200)
	dir := write(t, map[string]string{"a.txt": "\uFEFF" + long, "b.txt": long + "x\xff\n" + long + "\xfe"})
	c, warnings, err := OpenCorpus("--data", []string{dir}, "", Options{Tokenizer: byteTokenizer(t, 1)})
	if err != nil {
		t.Fatal(err)
	}
	want := "--data: " + filepath.Join(dir, "b.txt") + ": line 201: not UTF-8; 2 bytes in all read as U+FFFD"
	if got := text(&Set{Tokenizer: byteTokenizer(t, 1)}, c); got != long+long+"x\uFFFD\n"+long+"\uFFFD" ||
		!slices.Equal(warnings, []string{want}) {
		t.Errorf("%d bytes, warnings %q", len(got), warnings)
	}
}

// A separator that occurs nowhere causes a warning that suggests another.
func TestSeparatorsThatNeverOccurAreTold(t *testing.T) {
	dos, unix := strings.Repeat("a b\r\n\r\n", 60), strings.Repeat("a b\n\n", 60)
	dir := write(t, map[string]string{
		"dos.txt":  dos,
		"unix.txt": unix,
		"end.txt":  strings.Repeat("a<|endoftext|>\n", 9),
		"one.txt":  "abc",
		"last.txt": "abc--",
	})
	nowhere := func(separator, meant string, n int) string {
		w := fmt.Sprintf("--data: data.document_separator, %q, stands nowhere in it: each file is one document",
			separator)
		if n > 0 {
			w += fmt.Sprintf("; %q, in double quotes, stands there %d times", meant, n)
		}
		return w
	}
	for _, c := range []struct{ file, separator, want string }{
		{"dos.txt", "\n\n", nowhere("\n\n", "\r\n\r\n", 60)},
		{"unix.txt", `\n\n`, nowhere(`\n\n`, "\n\n", 60)},
		{"unix.txt", "\r\n\r\n", nowhere("\r\n\r\n", "\n\n", 60)},
		{"dos.txt", `\n\n`, nowhere(`\n\n`, "\r\n\r\n", 60)},
		{"end.txt", "\n<|endoftext|>\n", nowhere("\n<|endoftext|>\n", "<|endoftext|>", 9)},
		{"end.txt", "", "--data: " + filepath.Join(dir, "end.txt") +
			": has <|endoftext|> written out 9 times, which reads as ordinary text; data.document_separator: " +
			"\"<|endoftext|>\" ends documents there"},
		{"one.txt", "--", nowhere("--", "", 0)},
		{"last.txt", "--", ""},
		{"unix.txt", "\n\n", ""},
	} {
		_, warnings, err := OpenCorpus("--data", []string{filepath.Join(dir, c.file)}, c.separator,
			Options{Tokenizer: byteTokenizer(t, 1)})
		if got := strings.Join(warnings, "\n"); err != nil || got != c.want {
			t.Errorf("%s, %q: %q %v, want %q", c.file, c.separator, got, err, c.want)
		}
	}
	s := input{size: 1, open: func() (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader(strings.Repeat("x", readSize-1) + "--y--" +
			strings.Repeat("z", readSize-3) + "--")), nil
	}}
	counts := make([]int, 2)
	if err := s.count([]string{"--", "-y-"}, counts); err != nil || !slices.Equal(counts, []int{3, 1}) {
		t.Errorf("counted %v, %v", counts, err)
	}
}

func TestUnreadableFile(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no permission bit keeps a reader out there")
	}
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

// Files of a directory that are not text are skipped; named files must be text.
func TestDirectoriesPassOverWhatIsNoText(t *testing.T) {
	dir := write(t, map[string]string{"a.txt": "hello", "b.png": "\x89PNG\x00", "c.txt": ""})
	c, warnings, err := OpenCorpus("--data", []string{dir}, "", Options{Tokenizer: byteTokenizer(t, 1)})
	if err != nil {
		t.Fatal(err)
	}
	if c.Len() != 5 || len(warnings) != 2 || !strings.Contains(warnings[0], "b.png: passed over: line 1: not text") ||
		!strings.Contains(warnings[1], "c.txt: passed over: empty") {
		t.Errorf("%d tokens, warnings %q", c.Len(), warnings)
	}
}

func TestFileThatChangesIsNoticed(t *testing.T) {
	dir := write(t, map[string]string{"a.txt": "some text"})
	path := filepath.Join(dir, "a.txt")
	for _, now := range []string{"some text and more", "some"} {
		found, _, err := resolve("data.train", []string{path})
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(now), 0o644); err != nil {
			t.Fatal(err)
		}
		_, _, _, err = (&encoding{key: "data.train", inputs: found}).survey()
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
		r := reader{separator: []byte(separator), split: textio.WholeRunes, piece: func(piece []byte, last bool) error {
			if cut := textio.WholeRunes(piece); !last && cut != len(piece) {
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
