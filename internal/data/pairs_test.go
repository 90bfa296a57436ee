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

func pairTokens(t fatal) tokenizer.Tokenizer { return byteTokenizer(t, 2) }

// Every epoch has every pair once, in batches of one bucket, and a batch does not depend on which were asked for before.
func TestEpochsHaveEveryPairOnce(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var texts []PairText
		for range rapid.IntRange(1, 40).Draw(rt, "pairs") {
			n := rapid.IntRange(1, 20).Draw(rt, "length")
			texts = append(texts, PairText{strings.Repeat("a", n), strings.Repeat("b", 21-n)})
		}
		long := 0
		p := NewPairs(pairTokens(t), texts, 64, &long)
		buckets, tokens := rapid.IntRange(1, 5).Draw(rt, "buckets"), rapid.IntRange(1, 200).Draw(rt, "tokens")
		l := NewPairLoader(p, 7, buckets, tokens)
		for epoch := range 2 {
			var seen []int
			for i := range l.Epoch() {
				step := epoch*l.Epoch() + i
				b, which := l.Batch(step)
				seen = append(seen, which...)
				if shape := l.Shapes()[b]; len(which) > shape.Rows || shape.Rows > 1 && shape.Rows*(shape.S+shape.T) > tokens {
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
	if err != nil || !slices.Equal(pairs, want) || r.empty != 1 || r.invalid != 1 {
		t.Errorf("%d pairs, %+v, %v", len(pairs), r, err)
	}
	NewPairs(pairTokens(t), pairs, 100, &r.long)
	if r.long != 1 {
		t.Errorf("%d too long, want 1", r.long)
	}
	_, err = readPairs("data.train", []string{jsonl}, nil, nil, []string{"text", "title"}, &r)
	if err == nil || !strings.Contains(err.Error(), `a.jsonl:1: has no field "title"`) {
		t.Error(err)
	}
}

// What is validated on occurs in no training pair, on either side.
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
	for n, want := range map[int]string{0: "zero", 13: "thirteen", 40: "forty", 101: "one hundred and one", 999: "nine hundred and ninety-nine",
		12_345: "twelve thousand three hundred and forty-five", 600_000: "six hundred thousand"} {
		if got := numberName(n); got != want {
			t.Errorf("%d is %q, want %q", n, got, want)
		}
	}
}
