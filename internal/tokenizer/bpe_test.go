package tokenizer

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"testing/iotest"

	"github.com/tiktoken-go/tokenizer/codec"
	"pgregory.net/rapid"
)

func bpeText(t testing.TB) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "bpe", "text.txt"))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// trained learns from the text's lines.
func trained(t testing.TB, size int) *pairTokenizer {
	t.Helper()
	trainer := NewTrainer()
	for _, line := range bytes.SplitAfter(bpeText(t), []byte("\n")) {
		trainer.Add(line)
	}
	tok, err := trainer.Train(size, true)
	if err != nil {
		t.Fatal(err)
	}
	return tok.(*pairTokenizer)
}

// visible are tokens as Hugging Face writes them.
func visible(t *pairTokenizer, ids []int32) string {
	var out []string
	for _, id := range ids {
		out = append(out, toVisible(t.tokens[id]))
	}
	return strings.Join(out, " ")
}

func TestTrainerAgreesWithHuggingFace(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join("testdata", "bpe", "expected.json"))
	if err != nil {
		t.Fatal(err)
	}
	var want struct{ Merges, Lines []string }
	if err := json.Unmarshal(raw, &want); err != nil {
		t.Fatal(err)
	}
	tok := trained(t, minPairsVocab+len(want.Merges))
	if len(tok.merges) != len(want.Merges) {
		t.Fatalf("%d merges, want %d", len(tok.merges), len(want.Merges))
	}
	for i, p := range tok.merges {
		if got := visible(tok, []int32{p.left, p.right}); got != want.Merges[i] {
			t.Fatalf("merge %d is %q, want %q", i, got, want.Merges[i])
		}
	}
	for i, line := range strings.Split(strings.TrimSuffix(string(bpeText(t)), "\n"), "\n") {
		ids, unknown := tok.Encode(nil, []byte(line))
		if got := visible(tok, ids); got != want.Lines[i] || unknown != 0 {
			t.Errorf("line %d is cut\n%s, want\n%s", i+1, got, want.Lines[i])
		}
	}
}

func TestTrainingIsAFunctionOfTheText(t *testing.T) {
	text := bpeText(t)
	lines := bytes.SplitAfter(text, []byte("\n"))
	var want []pair
	for range 3 {
		trainer := NewTrainer()
		for _, line := range lines {
			trainer.Add(line)
		}
		tok, err := trainer.Train(600, true)
		if err != nil {
			t.Fatal(err)
		}
		if got := tok.(*pairTokenizer).merges; want == nil {
			want = got
		} else if !slices.Equal(got, want) {
			t.Error("the lines' order or a second run gives other merges")
		}
		slices.Reverse(lines)
	}
}

func TestReadingInPiecesCountsTheWhole(t *testing.T) {
	text := bytes.Repeat(bpeText(t), 300) // more than one buffer
	whole, pieces := NewTrainer(), NewTrainer()
	whole.Add(text)
	if err := pieces.Read(iotest.HalfReader(bytes.NewReader(text))); err != nil {
		t.Fatal(err)
	}
	for piece, n := range whole.pieces {
		if pieces.pieces[piece] != n {
			t.Errorf("%q counted %d times, want %d", piece, pieces.pieces[piece], n)
		}
	}
	if len(pieces.pieces) != len(whole.pieces) {
		t.Errorf("%d distinct pieces, want %d", len(pieces.pieces), len(whole.pieces))
	}
	if err := NewTrainer().Read(iotest.ErrReader(errors.New("no disk"))); err == nil || err.Error() != "no disk" {
		t.Errorf("a failing reader gives error %v", err)
	}
}

func TestTrainRefusesTheImpossible(t *testing.T) {
	for want, train := range map[string]func() error{
		"size: 256 is below 257": func() error { _, err := Train(256, strings.NewReader("abc")); return err },
		"no text":                func() error { _, err := Train(300, strings.NewReader("")); return err },
	} {
		if err := train(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}

// A text too small for the size asked for gives a smaller vocabulary, which still encodes anything.
func TestSmallTextGivesSmallVocabulary(t *testing.T) {
	tok, err := Train(10000, strings.NewReader("abab"))
	if err != nil {
		t.Fatal(err)
	}
	if tok.Vocab() != minPairsVocab+1 || tok.Specials().End != 257 || tok.Specials().Begin != 257 {
		t.Errorf("vocabulary of %d with specials %+v, want one merge", tok.Vocab(), tok.Specials())
	}
	ids, _ := tok.Encode(nil, []byte("abé\xff"))
	if got := string(tok.Decode(nil, ids)); got != "abé\xff" {
		t.Errorf("came back as %q", got)
	}
}

// Long pieces are merged by a heap, short ones by looking again: both give the same.
func TestLongAndShortMergesAgree(t *testing.T) {
	tok := trained(t, 700)
	rapid.Check(t, func(t *rapid.T) {
		piece := rapid.SliceOfN(rapid.SampledFrom([]byte(" aabnthed\xc3\xa4")), 1, 80).Draw(t, "piece")
		ids := make([]int32, len(piece))
		for i, b := range piece {
			ids[i] = tok.byteIDs[b]
		}
		long := tok.mergeLong(ids)
		if short := ids[:tok.mergeShort(ids)]; !slices.Equal(short, long) {
			t.Errorf("%q: short %v, long %v", piece, short, long)
		}
	})
}

// The pattern's own cases, each with its pieces between bars.
func TestPieces(t *testing.T) {
	for _, want := range []string{
		"Hello| world|!", "a| | b", "it|'s| they|'re| we|'ve| I|'ll| I|'d| I|'m| don|'t", "IT|'|S", "'re", "x|'|r",
		"!'|re",
		"a|\n\n| b", "a|\n|b", "a| \t| b", "  | x", "12|abc|½| 3|.|5", "  ", "a|  ", "\u00a0|x",
		"naïve| Ελλ|!?\xff\xfe|é", "日本|、|語",
	} {
		text, rest := strings.ReplaceAll(want, "|", ""), ""
		for left := []byte(text); len(left) > 0; {
			n := firstPiece(left)
			rest += "|" + string(left[:n])
			left = left[n:]
		}
		if got := strings.TrimPrefix(rest, "|"); got != want {
			t.Errorf("%q is cut %q, want %q", text, got, want)
		}
	}
}

func TestPairPiecesEncodeAsTheWhole(t *testing.T) {
	tok := trained(t, 700)
	parts := rapid.SampledFrom([]string{"the", "a", " ", "  ", "\n", "'", "'r", "e", "'ll", "s", "1", "é", "\xc3",
		"\xa9", "\u00a0", ".", "ä", "\xf0\x9f", "\x9a\xa2"})
	rapid.Check(t, func(t *rapid.T) {
		text := []byte(strings.Join(rapid.SliceOf(parts).Draw(t, "text"), ""))
		want, _ := tok.Encode(nil, text)
		for n := range len(text) + 1 {
			cut := tok.SplitPoint(text[:n])
			got, _ := tok.Encode(nil, text[:cut])
			if got, _ = tok.Encode(got, text[cut:]); !slices.Equal(got, want) {
				t.Fatalf("%q cut at %d of %d gives %v, the whole %v", text, cut, n, got, want)
			}
		}
	})
}

// SplitPoint doesn't put off what is settled: a long text is cut near its end.
func TestPairSplitPointIsLate(t *testing.T) {
	tok := trained(t, 300)
	for text, want := range map[string]int{
		"the end":  3,
		"the end ": 7,
		"a  b":     2,
		"a'r":      1,
		"a'":       1,
		"a 'r":     3,
		"":         0,
		"word":     0,
		"a b\xc3":  1,
	} {
		if got := tok.SplitPoint([]byte(text)); got != want {
			t.Errorf("%q splits at %d, want %d", text, got, want)
		}
	}
}

func TestPairFilesLoadAsTheSameTokenizer(t *testing.T) {
	for name, want := range map[string]*pairTokenizer{"bpe": trained(t, 700), "gpt2": newGPT2(true)} {
		dir := fstest.MapFS{}
		for name, b := range want.Files() {
			dir[name] = &fstest.MapFile{Data: b}
		}
		loaded, err := Load(dir)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got := loaded.(*pairTokenizer)
		if got.kind != name || !slices.Equal(got.tokens, want.tokens) || !slices.Equal(got.merges, want.merges) ||
			got.specials != want.specials {
			t.Errorf("%s changes when loaded", name)
		}
	}
}

func TestDamagedPairFilesAreNamed(t *testing.T) {
	good := trained(t, 300).Files()
	for _, c := range []struct{ name, file, from, to, want string }{
		{"byte missing", modelName, `"A": 32`, `"AA": 32`, `lacks 'A'`},
		{"id twice", modelName, `"A": 32`, `"A": 33`, "has id 33"},
		{"id too large", modelName, `"A": 32`, `"A": 999`, "has id 999"},
		{"no byte's character", modelName, `"A": 32`, `"Ω": 32`, "stands for no byte"},
		{"empty token", modelName, `"A": 32`, `"": 32`, "empty token"},
		{"merge of a stranger", modelName, `"Ġ t"`, `"Ġ tttttt"`, "entry 0"},
		{"merge without a result", modelName, `"Ġ t"`, `"t t"`, "not in model.vocab"},
		{"merge of one", modelName, `"Ġ t"`, `"t"`, "not two tokens"},
		{"end-of-text elsewhere", modelName, `"id": 299`, `"id": 300`, "added_tokens"},
		{"another's vocabulary", configName, `"bpe"`, `"gpt2"`, "not GPT-2's"},
	} {
		damaged := map[string][]byte{}
		for name, b := range good {
			damaged[name] = b
		}
		if !bytes.Contains(good[c.file], []byte(c.from)) {
			t.Fatalf("%s: %s lacks %s", c.name, c.file, c.from)
		}
		damaged[c.file] = bytes.Replace(good[c.file], []byte(c.from), []byte(c.to), 1)
		if _, err := FromFiles(damaged); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.name, err, c.want)
		}
	}
}

func TestGPT2KnownIds(t *testing.T) {
	tok := newGPT2(true)
	if tok.Vocab() != 50257 || tok.Specials() != (Specials{Begin: 50256, End: 50256}) {
		t.Errorf("vocabulary of %d with specials %+v", tok.Vocab(), tok.Specials())
	}
	for text, want := range map[string][]int32{
		"Hello world":                  {15496, 995},
		"Hello, I'm a language model,": {15496, 11, 314, 1101, 257, 3303, 2746, 11},
		"<|endoftext|>":                {27, 91, 437, 1659, 5239, 91, 29},
	} {
		if got, _ := tok.Encode(nil, []byte(text)); !slices.Equal(got, want) {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

// The module that has the vocabulary also encodes, by a regular expression and byte strings' ranks: another way to
// the same ids.
func TestGPT2AgreesWithTheModulesEncoder(t *testing.T) {
	tok, other := newGPT2(true), codec.NewR50kBase()
	agree := func(t rapid.TB, text string) {
		want, _, err := other.Encode(text)
		if err != nil {
			t.Fatal(err)
		}
		got, _ := tok.Encode(nil, []byte(text))
		if !slices.EqualFunc(got, want, func(a int32, b uint) bool { return int32(b) == a }) {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
	for line := range strings.Lines(string(bpeText(t))) {
		agree(t, line)
	}
	agree(t, string(bpeText(t)))
	words := rapid.SampledFrom([]string{"the", " The", "ing", "'s", "'", " ", "\n", "\t", "2024", "-", "é", "Ω", "日本",
		"🚢", ".", "aaaa"})
	rapid.Check(t, func(t *rapid.T) { agree(t, strings.Join(rapid.SliceOf(words).Draw(t, "words"), "")) })
}
