package tokenizer

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// learnable are the kinds that a short text can make; gpt2 has tests of its own.
var learnable = []string{"byte", "char", "bpe"}

func ofKind(kind string) Config {
	c := Config{Kind: kind}
	if kind == "bpe" {
		c.Size = 260
	}
	return c
}

// surveyed makes a tokenizer for a text of so many documents.
func surveyed(t testing.TB, kind, text string, documents int) Tokenizer {
	t.Helper()
	s := NewSurvey(ofKind(kind))
	s.Documents = documents
	s.Add([]byte(text))
	tok, err := New(ofKind(kind), s)
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

func TestByteIdsAreTheBytes(t *testing.T) {
	tok := surveyed(t, "byte", "", 1)
	ids, unknown := tok.Encode([]int32{7}, []byte("Aé\xff"))
	if want := []int32{7, 'A', 0xC3, 0xA9, 0xFF}; !slices.Equal(ids, want) || unknown != 0 {
		t.Errorf("got %v with %d unknown, want %v", ids, unknown, want)
	}
	if tok.Vocab() != 257 {
		t.Errorf("vocabulary of %d, want 256 bytes and end-of-text", tok.Vocab())
	}
}

func TestCharIdsAreRanks(t *testing.T) {
	tok := surveyed(t, "char", "cabbé\n", 1)
	if got, _ := tok.Encode(nil, []byte("\nabcé")); !slices.Equal(got, []int32{0, 1, 2, 3, 4}) {
		t.Errorf("got %v", got)
	}
	if tok.Vocab() != 5 {
		t.Errorf("a single document's vocabulary has %d tokens, want its 5 characters", tok.Vocab())
	}
}

func TestOneDocumentHasNoRolesAndSeveralHave(t *testing.T) {
	for _, c := range []struct {
		kind      string
		documents int
		vocab     int
		end       int32
	}{
		{"byte", 1, 257, -1}, {"byte", 2, 257, 256}, {"char", 1, 3, -1}, {"char", 2, 4, 3},
	} {
		tok := surveyed(t, c.kind, "abc", c.documents)
		if got := tok.Specials(); tok.Vocab() != c.vocab || got.End != c.end || got.Begin != c.end {
			t.Errorf("%s, %d documents: vocabulary %d, specials %+v", c.kind, c.documents, tok.Vocab(), got)
		}
	}
}

func TestUnknownCharactersAreLeftOutAndCounted(t *testing.T) {
	tok := surveyed(t, "char", "abc ", 1)
	ids, unknown := tok.Encode(nil, []byte("a€ b\xffc!"))
	if got := string(tok.Decode(nil, ids)); got != "a bc" || unknown != 3 {
		t.Errorf("got %q with %d unknown, want \"a bc\" with 3", got, unknown)
	}
}

func TestInvalidBytesReadAsReplacementCharacters(t *testing.T) {
	tok := surveyed(t, "char", "a\xffb\xc3", 1)
	ids, unknown := tok.Encode(nil, []byte("\xfeab\xe2\x82"))
	if got := string(tok.Decode(nil, ids)); got != "\uFFFDab\uFFFD\uFFFD" || unknown != 0 {
		t.Errorf("got %q with %d unknown", got, unknown)
	}
}

func TestNoTextForgesASpecial(t *testing.T) {
	for _, kind := range learnable {
		tok := surveyed(t, kind, EndOfText, 2)
		ids, _ := tok.Encode(nil, []byte(EndOfText))
		if slices.Contains(ids, tok.Specials().End) {
			t.Errorf("%s: the text %s encodes to the special", kind, EndOfText)
		}
		if got := tok.Decode(nil, []int32{tok.Specials().End}); len(got) != 0 {
			t.Errorf("%s: the special decodes to %q, want nothing", kind, got)
		}
	}
}

func TestIdsOutsideTheVocabularyDecodeToReplacement(t *testing.T) {
	for _, kind := range learnable {
		for _, documents := range []int{1, 2} {
			tok := surveyed(t, kind, "ab", documents)
			for _, id := range []int32{-1, -5, int32(tok.Vocab()), 1 << 30} {
				if got := string(tok.Decode(nil, []int32{id})); got != "\uFFFD" {
					t.Errorf("%s: id %d decodes to %q", kind, id, got)
				}
			}
		}
	}
}

func TestConfigProblems(t *testing.T) {
	if got := DefaultConfig().Problems("data.tokenizer"); got != nil {
		t.Errorf("the default has problems: %v", got)
	}
	got := Config{Kind: "word"}.Problems("data.tokenizer")
	if want := `data.tokenizer.kind: "word" is not a tokenizer (byte, char, bpe, gpt2)`; len(got) != 1 ||
		got[0] != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if _, err := New(Config{Kind: "word"}, &Survey{}); err == nil {
		t.Error("an unknown kind makes a tokenizer")
	}
}

// A text may be encoded in pieces cut at SplitPoint, however long the pieces.
func TestPiecesEncodeAsTheWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.SliceOf(rapid.SampledFrom([]byte("ab \xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xff"))).Draw(t, "text")
		kind := rapid.SampledFrom(learnable).Draw(t, "kind")
		s := NewSurvey(ofKind(kind))
		s.Add(append(text, '.'))
		tok, err := New(ofKind(kind), s)
		if err != nil {
			t.Fatal(err)
		}
		want, _ := tok.Encode(nil, text)
		var got []int32
		rest := text
		for len(rest) > 0 {
			n := rapid.IntRange(1, len(rest)).Draw(t, "piece")
			cut := tok.SplitPoint(rest[:n])
			if n == len(rest) {
				cut = n
			}
			got, _ = tok.Encode(got, rest[:cut])
			rest = rest[cut:]
		}
		if !slices.Equal(got, want) {
			t.Errorf("pieces of %q give %v, the whole %v", text, got, want)
		}
	})
}

func TestMergedSurveysAreOneSurvey(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.String().Draw(t, "a"), rapid.String().Draw(t, "b")
		var one, two, whole Survey
		one.Add([]byte(a))
		two.Add([]byte(b))
		one.Merge(&two)
		whole.Add([]byte(a + b))
		if !slices.Equal(one.characters(), whole.characters()) {
			t.Errorf("merged %q, whole %q", one.characters(), whole.characters())
		}
	})
}

func TestFilesLoadAsTheSameTokenizer(t *testing.T) {
	for _, kind := range learnable {
		for _, documents := range []int{1, 2} {
			want := surveyed(t, kind, "some <text> with \"quotes\", \u2028 and é€\U0001F600\x01\x7f\uFFFD", documents)
			dir := fstest.MapFS{}
			for name, b := range want.Files() {
				dir[name] = &fstest.MapFile{Data: b}
			}
			got, err := Load(dir)
			if err != nil {
				t.Fatalf("%s: %v", kind, err)
			}
			if got.Kind() != kind || got.Vocab() != want.Vocab() || got.Specials() != want.Specials() {
				t.Errorf("%s, %d documents: loaded as %s, %d tokens, %+v", kind, documents, got.Kind(), got.Vocab(),
					got.Specials())
			}
			for name, b := range got.Files() {
				if !bytes.Equal(b, want.Files()[name]) {
					t.Errorf("%s: %s changes when saved again", kind, name)
				}
			}
		}
	}
}

func TestDamagedFilesAreNamed(t *testing.T) {
	good := surveyed(t, "char", "abc", 2).Files()
	goodBytes := surveyed(t, "byte", "", 2).Files()
	edit := func(files map[string][]byte, name, from, to string) map[string][]byte {
		out := map[string][]byte{}
		for n, b := range files {
			if n == name {
				if !bytes.Contains(b, []byte(from)) {
					t.Fatalf("%s lacks %s", name, from)
				}
				b = bytes.Replace(b, []byte(from), []byte(to), 1)
			}
			out[n] = b
		}
		return out
	}
	for _, c := range []struct {
		name  string
		files map[string][]byte
		want  string
	}{
		{"no configuration", map[string][]byte{modelName: good[modelName]},
			modelName + ": pre_tokenizer: null is not supported"},
		{"no model", map[string][]byte{configName: good[configName]}, modelName + ": missing"},
		{"not JSON", edit(good, modelName, "{", "("), modelName + ": line 1: not valid JSON: invalid character"},
		{"later version", edit(good, configName, `"dmtrain_version": 1`, `"dmtrain_version": 9`), "dmtrain_version: 9"},
		{"unknown kind", edit(good, configName, `"char"`, `"word"`), `dmtrain_kind: "word"`},
		{"foreign special", edit(good, configName, EndOfText, "</s>"), "bos_token"},
		{"two characters", edit(good, modelName, `"a"`, `"ab"`), `"ab" is not one character`},
		{"empty token", edit(good, modelName, `"a"`, `""`), `"" is not one character`},
		{"wrong rank", edit(good, modelName, `"a": 0`, `"a": 1`), "rank by code point"},
		{"end-of-text at another id", edit(good, modelName, `"id": 3`, `"id": 4`), "added_tokens"},
		{"special without a role", edit(edit(good, configName, `"bos_token": "`+EndOfText+`",`, ""), configName,
			`"eos_token": "`+EndOfText+`",`, ""), "has no role"},
		{"byte missing", edit(goodBytes, modelName, `"A"`, `"AA"`), "byte 65"},
		{"byte moved", edit(goodBytes, modelName, `"A": 65`, `"A": 66`), "byte 65"},
		{"kinds mixed up", edit(good, configName, `"char"`, `"byte"`), "pre_tokenizer: null is not supported"},
	} {
		if _, err := FromFiles(c.files); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.name, err, c.want)
		}
	}
}

func TestStreamIsValidAndLosesNothing(t *testing.T) {
	tok := surveyed(t, "byte", "", 2)
	rapid.Check(t, func(t *rapid.T) {
		ids := rapid.SliceOf(rapid.Int32Range(0, 256)).Draw(t, "ids")
		s := NewStream(tok)
		var got strings.Builder
		for _, id := range ids {
			piece := s.Next(id)
			if !utf8.ValidString(piece) {
				t.Fatalf("piece %q", piece)
			}
			got.WriteString(piece)
		}
		got.WriteString(s.Flush())
		want := string([]rune(string(tok.Decode(nil, ids)))) // each invalid byte becomes U+FFFD
		if got.String() != want {
			t.Errorf("streamed %q, want %q", got.String(), want)
		}
	})
}

func TestStreamGivesCharactersAsSoonAsTheyAreWhole(t *testing.T) {
	tok := surveyed(t, "byte", "", 1)
	s := NewStream(tok)
	var pieces []string
	for _, b := range []byte("a€\xe2x\xf0\x9f") {
		pieces = append(pieces, s.Next(int32(b)))
	}
	pieces = append(pieces, s.Flush())
	if want := []string{"a", "", "", "€", "", "\uFFFDx", "", "", "\uFFFD\uFFFD"}; !slices.Equal(pieces, want) {
		t.Errorf("got %q, want %q", pieces, want)
	}
}

func TestPrintable(t *testing.T) {
	for text, want := range map[string]string{
		"":                    "",
		"plain\ttext\né€":     "plain\ttext\né€",
		"a\x1b[31mred":        "a\uFFFD[31mred",
		"\a\r\x00\x7f\u009b2": "\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD2",
	} {
		if got := Printable(text); got != want {
			t.Errorf("Printable(%q) = %q, want %q", text, got, want)
		}
	}
}
