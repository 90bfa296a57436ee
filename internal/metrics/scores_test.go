package metrics

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// scoreCases are texts with the scores that another implementation computed.
type scoreCases struct {
	hyp, ref, ref2 []string
	Words          [][]string
	BLEU, BLEU2    struct {
		Score        float64
		Found, Total [bleuOrder]int
		Hyp, Ref     int
	}
	ChrF, ChrF2 float64
	ROUGE       map[string][3]float64
	BLEULines   []float64 `json:"bleu_lines"`
	ChrFLines   []float64 `json:"chrf_lines"`
}

func loadScores(t *testing.T) *scoreCases {
	t.Helper()
	read := func(name string) []byte {
		b, err := os.ReadFile(filepath.Join("testdata", "scores", name))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	lines := func(name string) []string {
		return strings.Split(strings.TrimSuffix(string(read(name)), "\n"), "\n")
	}
	c := &scoreCases{hyp: lines("hyp.txt"), ref: lines("ref.txt"), ref2: lines("ref2.txt")}
	if err := json.Unmarshal(read("expected.json"), c); err != nil {
		t.Fatal(err)
	}
	return c
}

func wantScore(t *testing.T, what string, got, want float64) {
	t.Helper()
	if !(math.Abs(got-want) <= 1e-9) {
		t.Errorf("%s = %.12f, want %.12f", what, got, want)
	}
}

func TestWords13a(t *testing.T) {
	c := loadScores(t)
	for i, hyp := range c.hyp {
		if got := words13a(hyp); !slices.Equal(got, c.Words[i]) {
			t.Errorf("%q is cut %q, want %q", hyp, got, c.Words[i])
		}
	}
	for line, want := range map[string]string{ // what one match uses up, the next can't use
		"a...b": "a . . . b", "1...2": "1 . . .2", ".,.": ". , .", "3.14,15": "3.14,15", "x.1": "x . 1", "1.x": "1 . x",
		"5-6-a": "5 - 6 - a", "a-5": "a-5",
		"&amp;lt;": "<", "it's": "it's", "": "", " \t": "", "a\u00a0b\x1cc": "a b c",
	} {
		if got := strings.Join(words13a(line), " "); got != want {
			t.Errorf("%q is cut %q, want %q", line, got, want)
		}
	}
}

func TestBLEUAgreesWithTheOtherImplementation(t *testing.T) {
	c := loadScores(t)
	var one, two BLEU
	for i, hyp := range c.hyp {
		one.Add(hyp, c.ref[i])
		two.Add(hyp, c.ref[i], c.ref2[i])
		var line BLEU
		line.Add(hyp, c.ref[i])
		wantScore(t, hyp, line.Score(), c.BLEULines[i])
	}
	wantScore(t, "BLEU", one.Score(), c.BLEU.Score)
	wantScore(t, "BLEU of two references", two.Score(), c.BLEU2.Score)
	if one.Found != c.BLEU.Found || one.Total != c.BLEU.Total || one.HypWords != c.BLEU.Hyp ||
		one.RefWords != c.BLEU.Ref {
		t.Errorf("counts %+v, want %+v", one, c.BLEU)
	}
	if got := two.Signature(); got != "nrefs:var|case:mixed|eff:no|tok:13a|smooth:exp|version:2-dmtrain" {
		t.Errorf("signature of sometimes two references: %s", got)
	}
}

// Published examples: Papineni et al. 2002 (found out of all; there, case is ignored), sacreBLEU's own tests, and
// the card of its metric in Hugging Face's evaluate.
func TestBLEUPublished(t *testing.T) {
	var dog BLEU
	dog.Add("The dog bit the man.", "The dog bit the man.", "The dog had bit the man.")
	dog.Add("It wasn't surprising.", "It was not unexpected.", "No one was surprised.")
	dog.Add("The man had just bitten him.", "The man bit him first.", "The man had bitten the dog.")
	if math.Abs(dog.Score()-48.530827) > 1e-6 {
		t.Errorf("the dog and the man: %v", dog.Score())
	}
	var kenobi BLEU
	kenobi.Add("hello there general kenobi", "hello there general kenobi", "hello there !")
	kenobi.Add("on our way to ankh morpork", "goodbye ankh morpork", "ankh morpork")
	wantScore(t, "kenobi", kenobi.Score(), 39.76353643835252)
	var sugar BLEU
	sugar.Add("Producția de zahăr primă va fi exprimată în ceea ce privește zahărul alb;",
		"producţia de zahăr brut se exprimă în zahăr alb;")
	if math.Abs(sugar.Score()-8.493) > 1e-3 {
		t.Errorf("smoothed: %v", sugar.Score())
	}
	stats := BLEU{
		Found:    [4]int{9, 7, 5, 3},
		Total:    [4]int{10, 8, 6, 4},
		HypWords: 11,
		RefWords: 11,
	}
	if math.Abs(stats.Score()-83.75922397) > 1e-8 {
		t.Errorf("from counts: %v", stats.Score())
	}
	for _, c := range []struct {
		hyp          string
		refs         []string
		n            int
		found, total int
	}{
		{"the the the the the the the", []string{"the cat is on the mat", "there is a cat on the mat"}, 1, 2, 7},
		{"It is a guide to action which ensures that the military always obeys the commands of the party", papineni, 1,
			17, 18},
		{"It is a guide to action which ensures that the military always obeys the commands of the party", papineni, 2,
			10, 17},
		{"It is to insure the troops forever hearing the activity guidebook that party direct", papineni, 1, 8, 14},
		{"It is to insure the troops forever hearing the activity guidebook that party direct", papineni, 2, 1, 13},
	} {
		var b BLEU
		b.Add(c.hyp, c.refs...)
		if b.Found[c.n-1] != c.found || b.Total[c.n-1] != c.total {
			t.Errorf("%q: %d of %d %d-grams, want %d of %d", c.hyp, b.Found[c.n-1], b.Total[c.n-1], c.n, c.found,
				c.total)
		}
	}
}

// papineni are the references of the paper's first example.
var papineni = []string{
	"It is a guide to action that ensures that the military will forever heed Party commands",
	"It is the guiding principle which guarantees the military forces always being under the command of the Party",
	"It is the practical guide for the army always to heed the directions of the party",
}

func TestBLEUPrintsWhatSacreBLEUPrints(t *testing.T) {
	var b BLEU
	b.Add("hello there general kenobi", "hello there general kenobi", "hello there !")
	b.Add("on our way to ankh morpork", "goodbye ankh morpork", "ankh morpork")
	want := "BLEU|nrefs:2|case:mixed|eff:no|tok:13a|smooth:exp|version:2-dmtrain = 39.76 60.0/50.0/33.3/25.0 (BP = " +
		"1.000 ratio = 1.429 hyp_len = 10 ref_len = 7)"
	if got := b.String(); got != want {
		t.Errorf("got\n%s, want\n%s", got, want)
	}
}

func TestBLEUEdges(t *testing.T) {
	var none, empty, short, wrong BLEU
	empty.Add("", "a reference of some words")
	short.Add("a b c", "a b c")
	wrong.Add("this is a cat", "okay thanks")
	for name, b := range map[string]*BLEU{
		"nothing":          &none,
		"empty hypothesis": &empty,
		"three words":      &short,
		"nothing found":    &wrong,
	} {
		if got := b.Score(); got != 0 {
			t.Errorf("%s: %v, want 0", name, got)
		}
		if s := b.String(); strings.Contains(s, "NaN") {
			t.Errorf("%s prints %s", name, s)
		}
	}
}

func TestChrFAgreesWithTheOtherImplementation(t *testing.T) {
	c := loadScores(t)
	var one, two ChrF
	for i, hyp := range c.hyp {
		one.Add(hyp, c.ref[i])
		two.Add(hyp, c.ref[i], c.ref2[i])
		var line ChrF
		line.Add(hyp, c.ref[i])
		wantScore(t, hyp, line.Score(), c.ChrFLines[i])
	}
	wantScore(t, "chrF2", one.Score(), c.ChrF)
	wantScore(t, "chrF2 of two references", two.Score(), c.ChrF2)
}

// sacreBLEU's own tests of what it does without smoothing, and the card of its metric in Hugging Face's evaluate.
func TestChrFPublished(t *testing.T) {
	for _, c := range []struct {
		hyp, ref []string
		want     float64
	}{
		{[]string{"a"}, []string{"a"}, 100},
		{[]string{""}, []string{"reference"}, 0},
		{[]string{"a b c"}, []string{"a b c"}, 100},
		{[]string{"a b c"}, []string{"abc"}, 100},
		{[]string{""}, []string{"c"}, 0},
		{[]string{"a", "b"}, []string{"a", "c"}, 50},
		{[]string{"aa"}, []string{"ab"}, 25},
		{
			[]string{"The relationship between cats and dogs is not exactly friendly.",
				"a good bookshop is just a genteel black hole that knows how to read."},
			[]string{"The relationship between dogs and cats is not exactly friendly.",
				"A good bookshop is just a genteel Black Hole that knows how to read."},
			84.64214891738334,
		},
	} {
		var m ChrF
		for i, hyp := range c.hyp {
			m.Add(hyp, c.ref[i])
		}
		wantScore(t, strings.Join(c.hyp, " / "), m.Score(), c.want)
	}
	var m ChrF
	m.Add("a", "a")
	if got, want := m.String(),
		"chrF2|nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no|version:2-dmtrain = 100.00"; got != want {
		t.Errorf("prints %s, want %s", got, want)
	}
}

func wantOverlap(t *testing.T, what string, got Overlap, want [3]float64) {
	t.Helper()
	wantScore(t, what+" precision", got.Precision, want[0])
	wantScore(t, what+" recall", got.Recall, want[1])
	wantScore(t, what+" F1", got.F1, want[2])
}

func TestROUGEAgreesWithTheOtherImplementation(t *testing.T) {
	c := loadScores(t)
	var r ROUGE
	for i, hyp := range c.hyp {
		r.Add(hyp, c.ref[i])
	}
	wantOverlap(t, "ROUGE-1", r.One(), c.ROUGE["1"])
	wantOverlap(t, "ROUGE-2", r.Two(), c.ROUGE["2"])
	wantOverlap(t, "ROUGE-L", r.Longest(), c.ROUGE["L"])
}

// Lin 2004, section 3.1, and the tests of rouge_score.
func TestROUGEPublished(t *testing.T) {
	for _, c := range []struct {
		hyp, ref          string
		one, two, longest float64 // F1
	}{
		{"police kill the gunman", "police killed the gunman", 75, 100. / 3, 75},
		{"the gunman kill police", "police killed the gunman", 75, 100. / 3, 50},
		{"the gunman police killed", "police killed the gunman", 100, 200. / 3, 50},
		{"testing", "testing one two", 50, 0, 50},
		{"testing one", "testing one two", 80, 200. / 3, 80},
		{"testing two", "testing one two", 80, 0, 80},
		{"", "testing one two", 0, 0, 0},
		{"Testing, ONE-two!", "testing one two", 100, 100, 100},
	} {
		var r ROUGE
		r.Add(c.hyp, c.ref)
		wantScore(t, c.hyp+" ROUGE-1", r.One().F1, c.one)
		wantScore(t, c.hyp+" ROUGE-2", r.Two().F1, c.two)
		wantScore(t, c.hyp+" ROUGE-L", r.Longest().F1, c.longest)
	}
	var none ROUGE
	wantOverlap(t, "of nothing", none.One(), [3]float64{})
}

func TestExactMatch(t *testing.T) {
	var e ExactMatch
	wantScore(t, "of nothing", e.Score(), 0)
	e.Add("1997-03-03\n", "1997-03-03")
	e.Add("1997-03-04", "1997-03-03")
	e.Add("b", "a", "b")
	e.Add("A", "a")
	wantScore(t, "two of four", e.Score(), 50)
}

// Every score is within 0 and 100, and 100 for a text of at least four words against itself.
func TestScoresAreBounded(t *testing.T) {
	words := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "the", "1,5", "...", "é", "\xff", "-"}), 0, 12)
	rapid.Check(t, func(t *rapid.T) {
		hyp, ref := strings.Join(words.Draw(t, "hyp"), " "), strings.Join(words.Draw(t, "ref"), " ")
		all := func(hyp, ref string) []float64 {
			var b BLEU
			var c ChrF
			var r ROUGE
			b.Add(hyp, ref)
			c.Add(hyp, ref)
			r.Add(hyp, ref)
			return []float64{b.Score(), c.Score(), r.One().F1, r.Two().F1, r.Longest().F1}
		}
		for i, s := range all(hyp, ref) {
			if !(s >= 0 && s <= 100+1e-9) {
				t.Errorf("score %d of %q against %q is %v", i, hyp, ref, s)
			}
		}
		for i, s := range all("this is it then "+ref, "this is it then "+ref) {
			if math.Abs(s-100) > 1e-9 {
				t.Errorf("score %d of %q against itself is %v", i, ref, s)
			}
		}
	})
}
