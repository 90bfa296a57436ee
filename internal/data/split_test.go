package data

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"dmtrain/internal/tokenizer"
)

func TestSplit(t *testing.T) {
	var stories []int
	for range 100 {
		stories = append(stories, 37)
	}
	for _, c := range []struct {
		name      string
		documents []int
		split     split
		want      []int
	}{
		{"one document, where nanoGPT cuts tinyshakespeare", []int{1115394}, split{Valid: 0.1}, []int{1003854}},
		{"many documents, at the nearest boundary", stories, split{Valid: 0.11}, []int{89 * 37}},
		{"many documents, exactly at a boundary", stories, split{Valid: 0.1}, []int{90 * 37}},
		{"two documents, inside one", []int{500, 500}, split{Valid: 0.1}, []int{900}},
		{"a boundary just before", []int{895, 105}, split{Valid: 0.1}, []int{895}},
		{"a boundary just after", []int{905, 95}, split{Valid: 0.1}, []int{905}},
		{"a boundary too far off", []int{885, 115}, split{Valid: 0.1}, []int{900}},
		{"the end is no boundary", []int{1000}, split{Valid: 0.02}, []int{980}},
		{"test behind validation", stories, split{Valid: 0.1, Test: 0.2}, []int{70 * 37, 80 * 37}},
		{"test alone", stories, split{Test: 0.05}, []int{95 * 37}},
		{"nothing", stories, split{}, nil},
	} {
		m := tokensFileOf(t, 257, zeros(c.documents)...)
		if err := splitTokens(m, c.split); err != nil || !slices.Equal(m.meta.Cuts, c.want) {
			t.Errorf("%s: tokens are cut at %d (%v), want %d", c.name, m.meta.Cuts, err, c.want)
		}
		e := lengthOf(c.documents)
		if got, err := c.split.cuts(e.len(), e.unit(), e.around); err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: text is cut at %d (%v), want %d", c.name, got, err, c.want)
		}
	}
	for _, n := range []int{0, 1, 2, 10} {
		if cuts, err := (split{Valid: 0.1}).cuts(n, "tokens", lengthOf([]int{n}).around); err == nil {
			t.Errorf("%d tokens are cut at %d", n, cuts)
		}
	}
	if cuts, err := (split{Valid: 0.01, Test: 0.1}).cuts(100, "tokens", lengthOf([]int{100}).around); err == nil {
		t.Errorf("one token is left to validate: %d", cuts)
	}
}

func zeros(lengths []int) (documents [][]int32) {
	for _, n := range lengths {
		documents = append(documents, make([]int32, n))
	}
	return documents
}

// lengthOf is the length of a text of documents; lengths include their ends.
func lengthOf(lengths []int) *textLength {
	e := &textLength{bytes: true}
	for _, n := range lengths {
		if len(lengths) > 1 {
			n -= 2
		}
		e.add(make([]byte, n), true)
	}
	return e
}

// Texts of bytes and characters are split where their tokens used to be.
func TestSplitOfTextIsThatOfBytesAndCharacters(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		documents := rapid.SliceOfN(rapid.StringOfN(rapid.RuneFrom([]rune("aé€𝄞 \n")), 1, 60, -1), 1, 8).Draw(rt,
			"documents")
		all := strings.Join(documents, "|")
		c := configured(write(t, map[string]string{"a.txt": all}),
			rapid.SampledFrom([]string{"byte", "char"}).Draw(rt, "kind"), 1, "a.txt")
		c.DocumentSeparator, c.ValidFraction = "|", rapid.Float64Range(0.05, 0.6).Draw(rt, "fraction")
		before, err := Open(c, Options{AfterTokens: true})
		if err != nil {
			rt.Skip(err)
		}
		after, err := Open(c, Options{Tokenizer: before.Tokenizer})
		if err != nil {
			rt.Fatal(err)
		}
		if !slices.Equal(tokens(before.Train), tokens(after.Train)) ||
			!slices.Equal(tokens(before.Valid), tokens(after.Valid)) {
			rt.Fatalf("%q before, %q now", text(before, before.Train), text(after, after.Train))
		}
		if before.Train.Checksum() != after.Train.Checksum() {
			rt.Fatal("another checksum")
		}
	})
}

// Tokenizer and entropy do not depend on validation and test text.
func TestNothingIsMadeFromHeldOutText(t *testing.T) {
	letters := func(rt *rapid.T, name string, n int) string {
		return rapid.StringOfN(rapid.RuneFrom([]rune("abcdeé€𝄞  \n")), n, n, -1).Draw(rt, name)
	}
	rapid.Check(t, func(rt *rapid.T) {
		train := letters(rt, "train", 80)
		var first *Set
		for _, name := range []string{"one", "another"} {
			held := letters(rt, name, 20)
			c := configured(write(t, map[string]string{"a.txt": train + held}), "", 4, "a.txt")
			c.Tokenizer = rapid.SampledFrom([]tokenizer.Config{{Kind: "char"}, {Kind: "bpe", Size: 280}}).Draw(rt,
				"tokenizer")
			if first != nil {
				c.Tokenizer = tokenizer.Config{Kind: first.Tokenizer.Kind()}
				if c.Tokenizer.Kind == "bpe" {
					c.Tokenizer.Size = 280
				}
			}
			c.ValidFraction, c.TestFraction = 0.1, 0.1
			s, err := Open(c, Options{})
			if err != nil {
				rt.Skip(err) // such as only white space in the training part
			}
			if got := text(s, s.Train); strings.TrimSpace(got) != "" &&
				!strings.Contains(train, strings.TrimSpace(got)) {
				rt.Fatalf("trains on %q of %q", got, train)
			}
			if first == nil {
				first = s
				continue
			}
			if !maps.EqualFunc(s.Tokenizer.Files(), first.Tokenizer.Files(), slices.Equal) {
				rt.Fatal("another tokenizer")
			}
			if !slices.Equal(tokens(s.Train), tokens(first.Train)) || s.UnigramEntropy != first.UnigramEntropy {
				rt.Fatal("other training tokens")
			}
		}
	})
}

// A canary: the held-out words are random and occur nowhere in the training text, so that nothing predicts a letter
// with less than 4 bits. A tokenizer learnt on them has a token for each, and predicts a word at the price of one
// token.
func TestTokensAreNoAnswers(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	words := func(n int) (list []string) {
		for range n {
			w := make([]byte, 8)
			for i := range w {
				w[i] = "abcdefghijklmnop"[r.IntN(16)]
			}
			list = append(list, string(w))
		}
		return list
	}
	text := func(words []string, n int) string {
		var b strings.Builder
		for range n {
			b.WriteString(words[r.IntN(len(words))] + " ")
		}
		return b.String()
	}
	all := text(words(200), 9000) + text(words(40), 1000)
	c := configured(write(t, map[string]string{"a.txt": all}), "bpe", 16, "a.txt")
	c.Tokenizer.Size = 3000
	least := func(o Options) float64 {
		s := mustOpen(t, c, o)
		return math.Log2(float64(s.Tokenizer.Vocab())) * float64(s.Valid.Targets()) / float64(s.Valid.Bytes())
	}
	if got := least(Options{AfterTokens: true}); got > 2.5 { // the control: a tokenizer learnt on all words
		t.Errorf("a tokenizer learnt on the whole text costs %.2f bits a byte: this test finds no leak", got)
	}
	got, bound := least(Options{}), 4*8.0/9
	t.Logf("%.2f bits a byte with a tokenizer of all text, %.2f with one of the training part; the least is %.2f",
		least(Options{AfterTokens: true}), got, bound)
	if got < bound {
		t.Errorf("an untrained model needs %.2f bits a byte where nothing can do with less than %.2f", got, bound)
	}
}

func TestUnknownCharactersOfHeldOutTextAreTold(t *testing.T) {
	all := strings.Repeat("abcd efgh\n", 80) + strings.Repeat("abcdéfgh \n", 10) + strings.Repeat("ab€dé€gh \n", 10)
	c := configured(write(t, map[string]string{"a.txt": all}), "char", 16, "a.txt")
	c.TestFraction = 0.1
	cache := t.TempDir()
	for _, o := range []Options{{}, {CacheDir: cache, CacheFrom: 1}, {CacheDir: cache, CacheFrom: 1}} {
		s := mustOpen(t, c, o)
		want := []string{"data.valid_fraction: 10 characters are unknown to the vocabulary and left out",
			"data.test_fraction: 30 characters are unknown to the vocabulary and left out"}
		if !slices.Equal(s.Warnings, want) || s.Train.Unknown() != 0 || s.Valid.Unknown() != 10 ||
			s.Test.Unknown() != 30 {
			t.Errorf("warnings %q; %d, %d and %d unknown", s.Warnings, s.Train.Unknown(), s.Valid.Unknown(),
				s.Test.Unknown())
		}
		if got := text(s, s.Test); got != strings.Repeat("abdgh \n", 10) {
			t.Errorf("test text %q", got)
		}
	}
}

// Only training documents count: two texts of which one validates are one document.
func TestEndsAreLearntFromTrainingDocuments(t *testing.T) {
	for trained, want := range map[int]bool{1: false, 2: true} {
		dir := write(t, map[string]string{
			"a.txt": strings.Repeat("abc ", 100),
			"b.txt": strings.Repeat("def ", 100),
			"c.txt": strings.Repeat("abc ", 100),
		})
		c := configured(dir, "byte", 4, []string{"a.txt", "b.txt", "c.txt"}[:trained+1]...)
		c.ValidFraction = 1 / float64(trained+1)
		s := mustOpen(t, c, Options{})
		if got := s.Tokenizer.Specials().End >= 0; got != want || s.Valid.Documents() != 1 {
			t.Errorf("%d documents train and %d validate: ends %v", trained, s.Valid.Documents(), got)
		}
	}
}

func TestTestText(t *testing.T) {
	dir := write(t, map[string]string{
		"a.txt": strings.Repeat("0123456789", 100),
		"v.txt": "validation",
		"t.txt": "a test",
	})
	c := configured(dir, "byte", 4, "a.txt")
	for _, x := range []struct {
		valid, test string
		fraction    float64
		want        [3]string
	}{
		{"", "", 0, [3]string{"900", "100", "none"}},
		{"", "", 0.2, [3]string{"700", "100", "200"}},
		{"", "t.txt", 0, [3]string{"900", "100", "6"}},
		{"v.txt", "t.txt", 0, [3]string{"1000", "10", "6"}},
		{"v.txt", "", 0.2, [3]string{"800", "10", "200"}},
	} {
		c.Valid, c.Test, c.TestFraction = nil, nil, x.fraction
		if x.valid != "" {
			c.Valid = []string{dir + "/" + x.valid}
		}
		if x.test != "" {
			c.Test = []string{dir + "/" + x.test}
		}
		s := mustOpen(t, c, Options{})
		got := [3]string{fmt.Sprint(s.Train.Len()), fmt.Sprint(s.Valid.Len()), "none"}
		if s.Test != nil {
			got[2] = fmt.Sprint(s.Test.Len())
		}
		if got != x.want {
			t.Errorf("%+v: %v", x, got)
		}
	}
}
