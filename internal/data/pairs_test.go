package data

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"dmtrain/internal/tokenizer"
)

func pairTokens(t fatal) tokenizer.Tokenizer { return byteTokenizer(t, 2) }

// Every epoch has every pair once, in batches of one bucket, and a batch does not depend on which were asked for
// before.
func TestEpochsHaveEveryPairOnce(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var texts []PairText
		for range rapid.IntRange(1, 40).Draw(rt, "pairs") {
			n := rapid.IntRange(1, 20).Draw(rt, "length")
			texts = append(texts, PairText{strings.Repeat("a", n), strings.Repeat("b", 21-n)})
		}
		p := newPairs(pairTokens(t), texts, 64, &pairReport{})
		buckets, tokens := rapid.IntRange(1, 5).Draw(rt, "buckets"), rapid.IntRange(1, 200).Draw(rt, "tokens")
		l := NewPairLoader(p, 7, buckets, tokens)
		for epoch := range 2 {
			var seen []int
			for i := range l.steps {
				step := epoch*l.steps + i
				b, which := l.Batch(step)
				seen = append(seen, which...)
				if shape := l.Shapes()[b]; len(which) > shape.Rows || shape.Rows > 1 &&
					shape.Rows*(shape.S+shape.T) > tokens {
					rt.Fatalf("batch of %d in %+v", len(which), shape)
				}
				_, again := NewPairLoader(p, 7, buckets, tokens).Batch(step)
				if !slices.Equal(which, again) {
					rt.Fatalf("step %d: %v, then %v", step, which, again)
				}
			}
			slices.Sort(seen)
			for i, n := range seen {
				if i != n {
					rt.Fatalf("epoch %d: %v", epoch, seen)
				}
			}
			if len(seen) != len(texts) {
				rt.Fatalf("%d of %d pairs", len(seen), len(texts))
			}
		}
	})
}

func TestTablesAreRead(t *testing.T) {
	dir := t.TempDir()
	tsv, jsonl := filepath.Join(dir, "a.tsv"), filepath.Join(dir, "a.jsonl")
	long := strings.Repeat("word ", 10_000)
	if err := os.WriteFile(tsv, []byte("a\tb\r\n\nbad \xff\tok\textra\n"+long+"\tx"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(jsonl, []byte(`{"text":"c","head":"d","n":1}`+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	var r pairReport
	pairs, err := readPairs("data.train", []string{tsv, jsonl}, nil, nil, []string{"text", "head"}, &r)
	want := []PairText{{"a", "b"}, {"bad \uFFFD", "ok"}, {strings.TrimSpace(long), "x"}, {"c", "d"}}
	if err != nil || !slices.Equal(pairs, want) || r.empty != 1 || len(r.remarks) != 2 ||
		!strings.HasSuffix(r.remarks[0], "a.tsv: line 3: not UTF-8; the byte reads as U+FFFD") ||
		!strings.Contains(r.remarks[1], "a.tsv:3: has more than two columns; the first two are read, in 1 lines") {
		t.Errorf("%d pairs, %+v, %v", len(pairs), r, err)
	}
	newPairs(pairTokens(t), pairs, 100, &r)
	if r.long != 1 {
		t.Errorf("%d too long, want 1", r.long)
	}
	_, err = readPairs("data.train", []string{jsonl}, nil, nil, []string{"text", "title"}, &r)
	if err == nil || !strings.Contains(err.Error(), `a.jsonl:1: has no field "title"`) {
		t.Error(err)
	}
}

// pairsOf reads pairs from a directory's files, whose names the entries are; with a vocabulary of the characters known.
func pairsOf(t *testing.T, dir string, known bool, c Config) (*PairSet, error) {
	t.Helper()
	in := func(list []string) {
		for i := range list {
			list[i] = filepath.Join(dir, list[i])
		}
	}
	for _, list := range [][]string{c.Train, c.Valid, c.Pairs.Source, c.Pairs.Target, c.Pairs.ValidSource,
		c.Pairs.ValidTarget} {
		in(list)
	}
	if c.SeqLen == 0 {
		c.SeqLen = 64
	}
	c.Pairs.Fields, c.ValidFraction = []string{"source", "target"}, 0.5
	if c.Tokenizer.Kind = "byte"; known {
		c.Tokenizer.Kind = "char"
	}
	return OpenPairs(c, Options{})
}

func pairTexts(s *PairSet) (all []string) {
	for _, p := range append(slices.Clone(s.Train.Texts), s.Valid.Texts...) {
		all = append(all, p.Source+"|"+p.Target)
	}
	return all
}

func TestPairsTakeGlobsAndDirectories(t *testing.T) {
	dir := write(t, map[string]string{"t/a.tsv": "1\tone\n", "t/sub/b.jsonl": `{"source":"2","target":"two"}`,
		"t/.c.tsv": "3\tthree",
		"en/1.txt": "one\n", "en/2.txt": "two\n", "de/1.txt": "eins\n", "de/2.txt": "zwei\n", "x.en": "one\n",
		"y.en": "two\n", "x.de": "eins\n", "y.de": "zwei\n", "z.fr": "un\n", "y.fr": "deux\n"})
	for _, c := range []struct {
		name   string
		config Config
		want   []string
	}{
		{"a directory", Config{Train: []string{"t"}}, []string{"1|one", "2|two"}},
		{"a glob, and a file again", Config{Train: []string{"t/*.tsv", "t/a.tsv", "t/sub"}},
			[]string{"1|one", "2|two"}},
		{"two directories", Config{Pairs: PairConfig{Source: []string{"en"}, Target: []string{"de"}}},
			[]string{"one|eins", "two|zwei"}},
		{"two globs", Config{Pairs: PairConfig{Source: []string{"*.en"}, Target: []string{"*.de"}}},
			[]string{"one|eins", "two|zwei"}},
		{"one source twice", Config{Pairs: PairConfig{
			Source: []string{"x.en", "x.en"},
			Target: []string{"x.de", "z.fr"},
		}}, []string{"one|eins", "one|un"}},
	} {
		if s, err := pairsOf(t, dir, false, c.config); err != nil || !slices.Equal(pairTexts(s), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	for _, c := range []struct {
		config Config
		want   string
	}{
		{Config{Train: []string{"*.none"}}, "*.none: matches no file"},
		{Config{Pairs: PairConfig{Source: []string{"*.en"}, Target: []string{"*.fr"}}}, "x.en and "},
		{Config{Pairs: PairConfig{
			Source:      []string{"*.en"},
			Target:      []string{"x.*"},
			ValidSource: nil,
		}}, "don't pair up by name"},
		{Config{Pairs: PairConfig{Source: []string{"*.en"}, Target: []string{"x.de"}}}, "names 2 files and "},
		{Config{Train: []string{"x.en"}}, "x.en:1: has no tab between source and target"},
	} {
		if _, err := pairsOf(t, dir, false, c.config); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want %q", err, c.want)
		}
	}
}

// Reading and encoding report what they leave out, and refuse what is not text.
func TestPairsAreToldOf(t *testing.T) {
	latin := "gr\xfc\xdfe\tgreetings\n"
	dir := write(t, map[string]string{"train.tsv": "\uFEFFab\tba\nba\tab\n",
		"valid.tsv": "a☃b\tab\n☃☃\tab\nab\t☃\nb\ta\n", "latin.tsv": latin, "wide.tsv": "a\x00\t\x00b\x00\n\x00",
		"head.tsv": "source\ttarget\na\tb\nb\ta\n", "swap.tsv": "id\tTarget\tSource\n7\tb\ta\n8\ta\tb\n",
		"like.tsv": "en\tde\nd\te\n", "short.tsv": "id\tsource\ttarget\na\tb\n",
		"strange.tsv": "☃\t☃\n", "long.tsv": strings.Repeat("a", 99) + "\tb\n", "one.tsv": "a\tb\n", "none.tsv": "",
		"blank.tsv": "\n\ta\n", "list.json": "[{\"source\": \"a\"}]",
		"zero.jsonl": `{"source": "a\u0000", "target": "b"}`,
		"mark.jsonl": "\uFEFF{\"source\": \"a\", \"target\": \"b\"}\n{\"source\": \"b\", \"target\": \"a\"}"})
	for _, c := range []struct {
		name     string
		config   Config
		pairs    []string
		warnings []string
	}{
		{"a mark, and unknown characters", Config{Train: []string{"train.tsv"}, Valid: []string{"valid.tsv"}},
			[]string{"ab|ba", "ba|ab", "a☃b|ab", "b|a"},
			[]string{"data.valid: 4 characters are unknown to the vocabulary and left out",
				"data.valid: 2 pairs with nothing known to the vocabulary on a side left out"}},
		{"a mark before JSON", Config{Train: []string{"mark.jsonl"}}, []string{"a|b", "b|a"}, nil},
		{"names of columns", Config{Train: []string{"head.tsv"}}, []string{"a|b", "b|a"}, nil},
		{"in another order", Config{Train: []string{"swap.tsv"}}, []string{"a|b", "b|a"}, nil},
		{"other names", Config{Train: []string{"like.tsv"}}, []string{"en|de", "d|e"},
			[]string{"data.train: " + filepath.Join(dir, "like.tsv") +
				`:1: "en\tde" looks like a header but is read as a pair: leave it out, or name its columns in ` +
				`data.pairs.fields`}},
	} {
		s, err := pairsOf(t, dir, true, c.config)
		if err != nil || !slices.Equal(pairTexts(s), c.pairs) || !slices.Equal(s.Warnings, c.warnings) {
			t.Errorf("%s: %v", c.name, err)
			if s != nil {
				t.Errorf("pairs %q, warnings %q", pairTexts(s), s.Warnings)
			}
		}
	}
	for _, c := range []struct{ valid, want string }{
		{"strange.tsv", "data.valid: of 1 pairs none has characters on both sides that the vocabulary knows"},
		{"long.tsv", "data.valid: of 1 pairs none fits data.seq_len 64"},
		{"none.tsv", "data.valid: has no pair"},
	} {
		if _, err := pairsOf(t, dir, true,
			Config{Train: []string{"train.tsv"}, Valid: []string{c.valid}}); err == nil ||
			!strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.valid, err, c.want)
		}
	}
	learnt := configured(dir, "bpe", 64, "one.tsv")
	learnt.Tokenizer.Size, learnt.Pairs = 300, defaultPairs()
	if _, err := OpenPairs(learnt, Options{}); err == nil ||
		!strings.Contains(err.Error(), "data.train: has 1 pairs, and what is split off leaves none") {
		t.Errorf("one pair for a vocabulary: error %v", err)
	}
	for file, want := range map[string]string{
		"latin.tsv": "latin.tsv: line 1: not UTF-8 but, as it seems, Windows-1252 or Latin-1",
		"wide.tsv":  "UTF-16 (little-endian)",
		"short.tsv": "short.tsv:2: has 2 columns where the first line's names need 3",
		"one.tsv":   "data.train: has 1 pairs, and what is split off leaves none to train on",
		"none.tsv":  "data.train: has no pair", "blank.tsv": "data.train: each of 2 pairs has an empty side",
		"list.json":  "list.json:1: a list is not an object (each line must be one JSON object)",
		"zero.jsonl": `zero.jsonl:1: field "source" has a NUL character`,
	} {
		if _, err := pairsOf(t, dir, true, Config{Train: []string{file}}); err == nil ||
			!strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", file, err, want)
		}
	}
}

// Validation pairs share neither side with training pairs.
func TestHeldOutPairsAreNew(t *testing.T) {
	for _, name := range []string{datesName, numbersName, headlinesName} {
		seen := map[string]bool{}
		for _, part := range []string{"train", "valid"} {
			b, err := parsePairBuiltin(name + "?n=3000&part=" + part)
			if err != nil {
				t.Fatal(err)
			}
			b.each(func(source, target string) {
				if part == "train" {
					seen[target] = true
				} else if seen[target] {
					t.Errorf("%s: %q is trained and validated on", name, target)
				}
			})
		}
	}
}

func TestNumberNames(t *testing.T) {
	for n, want := range map[int]string{0: "zero", 13: "thirteen", 40: "forty", 101: "one hundred and one",
		999:    "nine hundred and ninety-nine",
		12_345: "twelve thousand three hundred and forty-five", 600_000: "six hundred thousand"} {
		if got := numberName(n); got != want {
			t.Errorf("%d is %q, want %q", n, got, want)
		}
	}
}

func TestVocabulariesSmallerThanAskedForAreTold(t *testing.T) {
	dir := write(t, map[string]string{"a.tsv": "ab\tba\nba\tab\n", "a.txt": strings.Repeat("abc ", 9)})
	c := configured(dir, "bpe", 4, "a.tsv")
	c.Tokenizer.Size, c.ValidFraction = 900, 0.5
	c.Pairs = defaultPairs()
	want := "data.tokenizer.size: 900 tokens were asked for, but after 2"
	if s, err := OpenPairs(c, Options{}); err != nil || len(s.Warnings) != 1 || !strings.HasPrefix(s.Warnings[0], want) {
		t.Errorf("pairs: %+v, %v", s, err)
	}
	c.Train = []string{filepath.Join(dir, "a.txt")}
	if s := mustOpen(t, c, Options{}); len(s.Warnings) != 1 || !strings.HasPrefix(s.Warnings[0], "data.train: "+want) {
		t.Errorf("text: %q", s.Warnings)
	}
}

// Over an epoch every target token has the same weight, and the mean of the steps' is one.
func TestWeightsOfStepsAddUp(t *testing.T) {
	p := &Pairs{}
	for i := range 500 {
		p.source, p.target = append(p.source, make([]int32, 3+i%7)), append(p.target, make([]int32, 2+i%31))
	}
	for _, buckets := range []int{1, 5, 16} {
		l := NewPairLoader(p, 3, buckets, 120)
		sum, least := 0.0, 1.0
		for step := range l.steps {
			_, pairs := l.Batch(step)
			w := l.Weight(pairs)
			sum, least = sum+w, min(least, w)
			if got, want := w/float64(p.targets(pairs)),
				float64(l.steps)/float64(l.targets); math.Abs(got-want) > 1e-12 {
				t.Fatalf("%d buckets, step %d: %v a token, want %v", buckets, step, got, want)
			}
		}
		if mean := sum / float64(l.steps); math.Abs(mean-1) > 1e-9 || buckets > 1 && least > 0.7 {
			t.Errorf("%d buckets: mean weight %v, least %v", buckets, mean, least)
		}
	}
}
