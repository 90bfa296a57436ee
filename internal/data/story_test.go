package data

import (
	"crypto/sha256"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestParseBuiltin(t *testing.T) {
	for entry, want := range map[string]builtin{
		"builtin:stories":              {2e6, 1},
		"builtin:stories?":             {2e6, 1},
		"builtin:stories?mb=4":         {4e6, 1},
		"builtin:stories?mb=.5&seed=":  {},
		"builtin:stories?mb=.5&seed=9": {5e5, 9},
	} {
		got, err := parseBuiltin(entry)
		if (err != nil) != (want == builtin{}) || err == nil && got != want {
			t.Errorf("%s: %+v (%v), want %+v", entry, got, err, want)
		}
	}
	for entry, want := range map[string]string{
		"builtin:poems":             "no such text (there is builtin:stories)",
		"builtin:":                  "no such text",
		"builtin:stories?mb=0":      "mb=0 is not a size",
		"builtin:stories?mb=NaN":    "mb=NaN is not a size",
		"builtin:stories?mb=1e9":    "mb=1e9 is not a size",
		"builtin:stories?seed=-1":   "seed=-1 is not a seed",
		"builtin:stories?size=3":    `no parameter "size" (there are mb and seed)`,
		"builtin:stories?mb=%zz":    "parameters must look like",
		"builtin:stories?mb=1;mb=2": "parameters must look like",
	} {
		if _, err := parseBuiltin(entry); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", entry, err, want)
		}
	}
}

// storiesSum is the version and the SHA-256 of the first thousand stories of seed 1: a run resumed with a later
// program must find the text it began with.
const storiesSum = "1 9a2e935f7b0d73aabf54bfb4a686c181614a1dbe72e899525a0ec5ae44f44511"

func TestStoriesAreAFunctionOfSeedAndIndex(t *testing.T) {
	sum := sha256.New()
	for i := range uint32(1000) {
		io.WriteString(sum, story(1, i))
	}
	if got := fmt.Sprintf("%d %x", storiesVersion, sum.Sum(nil)); got != storiesSum {
		t.Errorf("the stories have changed: %s; then storiesVersion must be raised and storiesSum be this", got)
	}
	seen := map[string]bool{}
	for i := range uint32(1000) {
		seen[story(1, i)] = true
		seen[story(2, i)] = true
	}
	if len(seen) < 1990 {
		t.Errorf("only %d of 2000 stories differ", len(seen))
	}
}

// A text has the size asked for, to within a story, and the shorter is the beginning of the longer.
func TestStoriesHaveTheSizeAskedFor(t *testing.T) {
	read := func(entry string) string {
		b, err := parseBuiltin(entry)
		if err != nil {
			t.Fatal(err)
		}
		f, err := b.input(entry).open()
		if err != nil {
			t.Fatal(err)
		}
		all, err := io.ReadAll(f)
		if err != nil {
			t.Fatal(err)
		}
		return string(all)
	}
	small, large := read("builtin:stories?mb=0.1"), read("builtin:stories?mb=0.3")
	if !strings.HasPrefix(large, small) {
		t.Error("0.1 MB is not the beginning of 0.3 MB")
	}
	if n := len(large) - strings.Count(large, storySeparator); n < 3e5 || n > 3e5+2000 {
		t.Errorf("0.3 MB are %d bytes", n)
	}
}

var (
	articleBeforeVowel = regexp.MustCompile(`\b[Aa] [aeiou]`)
	articleElse        = regexp.MustCompile(`\b[Aa]n [^aeiou]`)
	smallSentence      = regexp.MustCompile(`(^|[a-z][.!?] |\n)[a-z]`)
	smallQuotation     = regexp.MustCompile(`, "[a-z]|(^|[.] |" )"[a-z]`)
	oddCapital         = regexp.MustCompile(`[a-z,] (The|One|They|It|He|She|His|Her|Its|Their|We|Some|Last)\b`)
	singularVerb       = regexp.MustCompile(`[A-Z][a-z]+ and [A-Z][a-z]+ (was|is|has|looks)\b`)
	pluralVerb         = regexp.MustCompile(`\b([Ii]t|[Hh]e|[Ss]he|I) (were|are)\b`)
	pluralThing        = regexp.MustCompile(`\b(boots|gloves|marbles|skates|crayons|shells|stilts|cups|glasses|` +
		`beans|pumpkins|tulips|cookies|plums|berries|apples|flowers|nails) (was|is|has|looks|needs)\b`)
)

// The grammar's promises, over stories enough to hear most sentences, or with DMTRAIN_LONG all.
func TestStoriesAreWellFormed(t *testing.T) {
	spaced := regexp.MustCompile(`  | \n|\n | [.,!?]|^\s|\s$|[{}\[\]|^]`)
	stories := uint32(800)
	if os.Getenv("DMTRAIN_LONG") != "" {
		stories = 5000
	}
	for i := range stories {
		s := story(3, i)
		for name, bad := range map[string]*regexp.Regexp{
			"stray space or markup": spaced, "article": articleBeforeVowel, "article ": articleElse,
			"small letter": smallSentence, "small letter in quotation": smallQuotation, "capital": oddCapital,
			"singular verb for two": singularVerb, "plural verb for one": pluralVerb,
			"singular verb for things": pluralThing,
		} {
			if at := bad.FindStringIndex(s); at != nil {
				t.Fatalf("story %d: %s at %q in:\n%s", i, name, s[at[0]:at[1]], s)
			}
		}
		if !utf8.ValidString(s) || strings.Contains(s, storySeparator) || strings.Count(s, `"`)%2 != 0 ||
			len(s) < 150 || len(s) > 1500 {
			t.Fatalf("story %d of %d bytes:\n%s", i, len(s), s)
		}
	}
}

// A boy has his mother, a girl hers, an animal its own, and two children theirs.
func TestStoriesKeepToTheirPronouns(t *testing.T) {
	hero := regexp.MustCompile(`(boy|girl) (?:named|called)|two friends`)
	elder := regexp.MustCompile(`(?i)\b(his|her|its|their) (?:mother|father|grandma|grandpa)\b`)
	heard := map[string]int{}
	for i := range uint32(1000) {
		s := story(4, i)
		kind := hero.FindStringSubmatch(s)
		if kind == nil {
			continue
		}
		want := map[string]string{"boy": "his", "girl": "her", "": "their"}[kind[1]]
		heard[want]++
		for _, m := range elder.FindAllStringSubmatch(s, -1) {
			if strings.ToLower(m[1]) != want {
				t.Fatalf("story %d: %q where %q is meant, in:\n%s", i, m[0], want, s)
			}
		}
	}
	if len(heard) != 3 {
		t.Errorf("heroes heard of: %v", heard)
	}
}

// There is something to learn: the stories' words are few, so that each comes often, and what follows is
// far from random.
func TestStoriesAreLearnable(t *testing.T) {
	c := DefaultConfig()
	c.Train = []string{"builtin:stories?mb=0.5"}
	s := mustOpen(t, c, Options{})
	if s.Train.Documents() < 500 || s.Tokenizer.Specials().Begin < 0 {
		t.Errorf("%d stories, specials %+v", s.Train.Documents(), s.Tokenizer.Specials())
	}
	words := map[string]int{}
	for _, w := range strings.FieldsFunc(text(s, s.Train),
		func(r rune) bool { return !strings.ContainsRune("'", r) && (r < 'A' || r > 'z') }) {
		words[strings.ToLower(w)]++
	}
	if len(words) < 500 || len(words) > 1500 {
		t.Errorf("%d different words", len(words))
	}
	rare := 0
	for _, n := range slices.Collect(maps.Values(words)) {
		if n < 5 {
			rare++
		}
	}
	if rare > len(words)/20 {
		t.Errorf("%d of %d words are rare", rare, len(words))
	}
	if s.UnigramEntropy < 2.5 || s.UnigramEntropy > math.Log(32) {
		t.Errorf("unigram entropy %v nats", s.UnigramEntropy)
	}
}

func TestExpand(t *testing.T) {
	heard := map[string]bool{}
	for i := range uint32(200) {
		teller := &teller{index: i, bound: map[string]string{"x": "the fox", "x.he": "it"}}
		heard[teller.expand("[a[b|c|]|{^x} and {x.he}]!")] = true
	}
	want := []string{"The fox and it!", "a!", "ab!", "ac!"}
	if got := slices.Sorted(maps.Keys(heard)); !slices.Equal(got, want) {
		t.Errorf("heard %q, want %q", got, want)
	}
}
