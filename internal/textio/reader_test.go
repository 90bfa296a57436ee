package textio

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf16"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func utf16Of(s string, little bool) string {
	var b []byte
	for _, u := range utf16.Encode([]rune(s)) {
		if little {
			b = append(b, byte(u), byte(u>>8))
		} else {
			b = append(b, byte(u>>8), byte(u))
		}
	}
	return string(b)
}

func utf32Of(s string, little bool) string {
	var b []byte
	for _, r := range s {
		if little {
			b = append(b, byte(r), byte(r>>8), byte(r>>16), 0)
		} else {
			b = append(b, 0, byte(r>>16), byte(r>>8), byte(r))
		}
	}
	return string(b)
}

func latin1Of(s string) string {
	var b []byte
	for _, r := range s {
		b = append(b, byte(r))
	}
	return string(b)
}

const german = "Die Prüfung war schön.\nDas Maß ist voll.\n"

func TestWhatIsNoTextIsNamed(t *testing.T) {
	chinese := "学而时习之，不亦说乎？\n有朋自远方来，不亦乐乎？\n"
	for name, c := range map[string]struct{ in, want string }{
		"UTF-16 with a mark, little": {"\xff\xfe" + utf16Of(german, true),
			"not text but UTF-16 (little-endian): convert it, as by iconv -f UTF-16 -t UTF-8"},
		"UTF-16 with a mark, big": {"\xfe\xff" + utf16Of(german, false), "not text but UTF-16 (big-endian)"},
		"UTF-16 without a mark, little": {utf16Of(german, true),
			"line 1: not UTF-8 but, as it seems, UTF-16 (little-endian): convert it, as by iconv -f UTF-16LE"},
		"UTF-16 without a mark, big": {utf16Of(german, false),
			"line 1: not UTF-8 but, as it seems, UTF-16 (big-endian)"},
		"Chinese UTF-16, little": {utf16Of(chinese, true), "UTF-16 (little-endian)"},
		"Chinese UTF-16, big":    {utf16Of(chinese, false), "UTF-16 (big-endian)"},
		"UTF-32 with a mark, little": {"\xff\xfe\x00\x00" + utf32Of(german, true),
			"not text but UTF-32 (little-endian)"},
		"UTF-32 with a mark, big": {"\x00\x00\xfe\xff" + utf32Of(german, false),
			"not text but UTF-32 (big-endian)"},
		"UTF-32 without a mark, little": {utf32Of(german, true), "UTF-32 (little-endian)"},
		"UTF-32 without a mark, big":    {utf32Of(german, false), "UTF-32 (big-endian)"},
		"Chinese UTF-32, little":        {utf32Of(chinese, true), "UTF-32 (little-endian)"},
		"a NUL byte":                    {"one\ntwo\x00three", "line 2: not text: has NUL bytes"},
		"NUL bytes":                     {strings.Repeat("a line\x00 of it\n", 40), "line 1: not text: has NUL bytes"},
		"a late NUL byte": {strings.Repeat("a line\n", 30000) + "\x00\x00",
			"line 30001: not text: has NUL bytes"},
		"Latin-1": {"all ASCII\n" + latin1Of(german),
			"line 2: not UTF-8 but, as it seems, Windows-1252 or Latin-1 (3 of 51 bytes are no UTF-8)"},
		"long Latin-1": {strings.Repeat(latin1Of(german), 5000),
			"line 1: not UTF-8 but, as it seems, Windows-1252 or Latin-1"},
		"one letter of Latin-1": {"caf\xe9\n", "line 1: not UTF-8 but, as it seems, Windows-1252 or Latin-1"},
		"one letter at the end": {"caf\xe9", "line 1: not UTF-8 but, as it seems, Windows-1252 or Latin-1"},
		"Shift JIS": {"\x93\xfa\x96\x7b\x8c\xea\x82\xcc\x95\xb6\x8f\xcd\n",
			"line 1: not UTF-8 but another encoding (Shift JIS, GB 18030, Windows-1251, …), or damaged"},
		"gzip": {"\x1f\x8b\x08\x00rest", "not text but gzip"},
		"a pointer": {"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n",
			"not text but a Git LFS pointer"},
		"zip": {"PK\x03\x04rest", "not text but a zip archive"},
	} {
		for how, in := range map[string]io.Reader{
			"at once":      strings.NewReader(c.in),
			"byte by byte": iotest.OneByteReader(strings.NewReader(c.in)),
		} {
			_, _, err := ReadAll(in)
			if no, ok := errors.AsType[*NotText](err); !ok || !strings.Contains(no.Error(), c.want) {
				if how == "byte by byte" && strings.Contains(c.want, "UTF-") && ok {
					continue // what is known of the encoding depends on what has come
				}
				t.Errorf("%s, %s: error %v, want %q", name, how, err, c.want)
			}
		}
	}
}

func TestTextIsReadAsUTF8(t *testing.T) {
	long := strings.Repeat("a line of text\n", 200)
	for name, c := range map[string]struct {
		in, want string
		remarks  []string
	}{
		"nothing":      {"", "", nil},
		"one letter":   {"v", "v", nil},
		"a mark alone": {"\uFEFF", "", nil},
		"a mark":       {"\uFEFFone\ntwo", "one\ntwo", nil},
		"half a mark": {long + "\xef\xbb", long + "\uFFFD\uFFFD",
			[]string{"line 201: not UTF-8; 2 bytes in all read as U+FFFD"}},
		"two marks": {"\uFEFFone\n\uFEFFtwo\n\uFEFFthree", "one\n\uFEFFtwo\n\uFEFFthree",
			[]string{"line 2: a byte order mark inside the text; 2 marks in all read as U+FEFF (files put together?)"}},
		"a bad byte": {long + "x\xffy\n", long + "x\uFFFDy\n",
			[]string{"line 201: not UTF-8; the byte reads as U+FFFD"}},
		"bad bytes": {long + "x\xffy\xc3\n" + long + "\xe2\x82", long + "x\uFFFDy\uFFFD\n" + long +
			"\uFFFD\uFFFD", []string{"line 201: not UTF-8; 4 bytes in all read as U+FFFD"}},
		"among good ones": {"schön\nschö\xff\n", "schön\nschö\uFFFD\n",
			[]string{"line 2: not UTF-8; the byte reads as U+FFFD"}},
		"surrogates": {long + "\xed\xa0\x80", long + "\uFFFD\uFFFD\uFFFD",
			[]string{"line 201: not UTF-8; 3 bytes in all read as U+FFFD"}},
		"U+FFFD itself":    {"\uFFFD", "\uFFFD", nil},
		"begins as a head": {"version 1\nBZh\nPK", "version 1\nBZh\nPK", nil},
	} {
		for how, in := range map[string]io.Reader{"at once": strings.NewReader(c.in),
			"byte by byte": iotest.OneByteReader(strings.NewReader(c.in)),
			"with its end": iotest.DataErrReader(strings.NewReader(c.in))} {
			if got, remarks, err := ReadAll(in); err != nil || got != c.want || !slices.Equal(remarks, c.remarks) {
				t.Errorf("%s, %s: %q %q %v, want %q %q", name, how, got, remarks, err, c.want, c.remarks)
			}
		}
	}
}

// Whatever the sizes of reads: what comes out is valid UTF-8, and valid UTF-8 comes out as it is.
func TestReaderInPieces(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		valid := rapid.StringOf(rapid.SampledFrom([]rune("ab\n é€😀\uFEFF"))).Draw(t, "text")
		size := rapid.IntRange(1, 7).Draw(t, "size")
		for _, in := range []string{valid, valid + strings.Repeat("ö", 20) + "\xff"} {
			r := NewReader(iotest.HalfReader(strings.NewReader(in)))
			var got []byte
			p := make([]byte, size)
			var err error
			for err == nil {
				var n int
				n, err = r.Read(p)
				got = append(got, p[:n]...)
			}
			if want := strings.ToValidUTF8(strings.TrimPrefix(in, "\uFEFF"), "\uFFFD"); !errors.Is(err, io.EOF) ||
				string(got) != want || !utf8.Valid(got) {
				t.Fatalf("%q came out as %q, %v", in, got, err)
			}
		}
	})
}

func TestLines(t *testing.T) {
	for in, want := range map[string][]string{
		"":                   nil,
		"\n":                 {""},
		"a":                  {"a"},
		"a\nb\n":             {"a", "b"},
		"\uFEFFa\r\n\r\nb\r": {"a", "", "b"},
	} {
		if got, _, err := AllLines(strings.NewReader(in)); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %q %v, want %q", in, got, err, want)
		}
	}
	stop := errors.New("stop")
	if _, err := Lines(strings.NewReader("a\nb"), func(int, []byte) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("error %v", err)
	}
	if _, _, err := AllLines(iotest.ErrReader(stop)); !errors.Is(err, stop) {
		t.Errorf("error %v", err)
	}
}

// What a pipe has brought is handed on before more comes.
func TestReaderWaitsForNoMore(t *testing.T) {
	in, out := io.Pipe()
	defer in.Close()
	r := NewReader(in)
	for _, line := range []string{"Prüfung\n", "x\n"} {
		go fmt.Fprint(out, line)
		p := make([]byte, 100)
		if n, err := r.Read(p); err != nil || string(p[:n]) != line {
			t.Errorf("%q %v, want %q", p[:n], err, line)
		}
	}
}

// Nothing is handed on of what is going to be refused.
func TestReaderHoldsWhatSeemsAnotherEncoding(t *testing.T) {
	got, err := io.ReadAll(NewReader(iotest.OneByteReader(strings.NewReader("f\xfcnf\n" + strings.Repeat("a", 800)))))
	if err == nil || string(got) != "f" {
		t.Errorf("%q %v", got, err)
	}
	text := "f\xfcnf\n" + strings.Repeat("a", 2000)
	if got, err := io.ReadAll(NewReader(iotest.OneByteReader(strings.NewReader(text)))); err != nil ||
		string(got) != strings.ToValidUTF8(text, "\uFFFD") {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

func TestJSONErrorsAreInPlainWords(t *testing.T) {
	type file struct {
		N     int                `json:"n"`
		X     *float64           `json:"x"`
		Words []string           `json:"words"`
		Sub   struct{ Ok bool }  `json:"sub"`
		Vocab map[string]float64 `json:"vocab"`
	}
	for in, want := range map[string]string{
		"\uFEFF{\"n\": 3}":            "",
		`{"n": [3]}`:                  "n: a list is not a whole number",
		`{"n": 99999999999999999999}`: "n: 99999999999999999999 is too large",
		`{"n": 12.0}`:                 "n: 12.0 is not a whole number",
		`{"x": "1"}`:                  "x: text is not a number",
		`{"words": {}}`:               "words: an object is not a list",
		`{"sub": {"Ok": 1}}`:          "sub.Ok: a number is not true or false",
		`[]`:                          "a list is not an object",
		"{\n\"n\": 1,\n}":             "line 3: not valid JSON: invalid character '}'",
		`{"n": 1`:                     "not valid JSON: unexpected end of JSON input",
		utf16Of(`{"n": 1}`, true):     "UTF-16 (little-endian)",
		"version https://git-lfs.github.com/spec/v1\n": "not JSON but a Git LFS pointer",
	} {
		var f file
		err := UnmarshalJSON([]byte(in), &f)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: error %v, want %q", in, err, want)
		}
	}
}

func TestWholeRunes(t *testing.T) {
	for text, want := range map[string]int{
		"": 0, "abc": 3, "é": 2, "a\xc3": 1, "a\xe2\x82": 1, "a\xf0\x9f\x98": 1, "\xf0\x9f\x98\x80": 4,
		"a\xff": 2, "\x80\x80\x80\x80": 4, "a\xc3(": 3, "\xe2(\x82": 3,
	} {
		if got := WholeRunes([]byte(text)); got != want {
			t.Errorf("WholeRunes(%q) = %d, want %d", text, got, want)
		}
	}
}
