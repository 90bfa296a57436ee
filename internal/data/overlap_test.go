package data

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"dmtrain/internal/tokenizer"
)

// prose is text of random words.
func prose(seed uint64, words int) string {
	r := rand.New(rand.NewPCG(seed, 0))
	var b strings.Builder
	for range words {
		for range 2 + r.IntN(7) {
			b.WriteByte("etaoinshrdlucmfw"[r.IntN(16)])
		}
		b.WriteByte(' ')
	}
	return b.String()
}

// The share of repeated windows is found for every tokenizer, with an example.
func TestOverlapOfText(t *testing.T) {
	fresh, copied := prose(1, 4000), prose(2, 4000)
	for _, share := range []float64{0, 0.05, 0.4, 1} {
		held := prose(3, 8000)
		n := int(share / (1 - min(share, 0.999)) * float64(len(held)))
		if share == 1 {
			held, n = "", len(copied)
		}
		for n > len(copied) {
			copied += prose(uint64(len(copied)), 4000)
		}
		dir := write(t, map[string]string{
			"train.txt": fresh + copied + fresh,
			"valid.txt": held + copied[:n],
			"test.txt":  prose(9, 8000),
		})
		for _, kind := range []tokenizer.Config{{Kind: "byte"}, {Kind: "char"}, {Kind: "bpe", Size: 400}} {
			c := configured(dir, kind.Kind, 16, "train.txt")
			c.Tokenizer = kind
			c.Valid, c.Test = []string{filepath.Join(dir, "valid.txt")}, []string{filepath.Join(dir, "test.txt")}
			s := mustOpen(t, c, Options{})
			if len(s.Overlaps) != 2 || s.Overlaps[0].Split != "valid" || s.Overlaps[1].Split != "test" {
				t.Fatalf("%+v", s.Overlaps)
			}
			o := s.Overlaps[0]
			se := math.Sqrt(share*(1-share)/float64(o.Windows)) + 0.01 // and windows across the seam
			if o.Windows < 300 || math.Abs(o.Share()-share) > 4*se {
				t.Errorf("%s, %.0f %% of the validation text trains: found %.1f %% of %d windows", kind.Kind, 100*share,
					100*o.Share(), o.Windows)
			}
			if s.Overlaps[1].Repeated != 0 {
				t.Errorf("%s: %q of the test text trains", kind.Kind, s.Overlaps[1].Example)
			}
			warned := false
			for _, w := range s.Warnings {
				warned = warned || strings.HasPrefix(w, "data.valid: about ") &&
					strings.Contains(w, fmt.Sprintf("%q", o.Example))
			}
			if warned != (share > 0) || share > 0 && !strings.Contains(copied, o.Example) {
				t.Errorf("%s, %.0f %%: warnings %q", kind.Kind, 100*share, s.Warnings)
			}
		}
	}
}

// A held-out part may have copies of training documents, if a collection has documents twice.
func TestOverlapOfWhatIsSplitOff(t *testing.T) {
	all := strings.Join([]string{prose(1, 900), prose(2, 900), prose(3, 900), prose(4, 900), prose(5, 100),
		prose(2, 900)}, "|")
	c := configured(write(t, map[string]string{"a.txt": all}), "byte", 16, "a.txt")
	c.DocumentSeparator, c.ValidFraction = "|", 0.2
	s := mustOpen(t, c, Options{})
	if o := s.Overlaps[0]; o.Share() < 0.8 || o.Document != s.Valid.Documents() || o.TrainDocument != 2 {
		t.Errorf("%+v", o)
	}
	if len(s.Warnings) != 1 || !strings.HasPrefix(s.Warnings[0], "data.valid_fraction: about 100 %") {
		t.Errorf("%q", s.Warnings)
	}
}

func TestSameFilesAreRefusedAndCopiesTold(t *testing.T) {
	dir := write(t, map[string]string{"a.txt": prose(1, 300), "copy.txt": prose(1, 300), "other.txt": prose(2, 300)})
	at := func(name string) string { return filepath.Join(dir, name) }
	if runtime.GOOS == "windows" {
		t.Skip("links take a privilege there")
	}
	if err := os.Symlink(at("a.txt"), at("link.txt")); err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct{ train, held, refused, warned string }{
		{"a.txt", "a.txt", "is in data.train too", ""},
		{"a.txt", "link.txt", "link.txt is in data.train too (" + at("a.txt") + ")", ""},
		{"link.txt", "a.txt", "is in data.train too", ""},
		{"*.txt", "other.txt", "is in data.train too", ""},
		{"a.txt", "copy.txt", "", "copy.txt is a copy of " + at("a.txt")},
		{"a.txt", "other.txt", "", ""},
	} {
		for _, key := range []string{"data.valid", "data.test"} {
			c := configured(dir, "byte", 16, x.train)
			c.Valid = []string{at(x.held)}
			if key == "data.test" {
				c.Valid, c.Test = nil, c.Valid
			}
			s, err := Open(c, Options{})
			if x.refused != "" {
				if err == nil || !strings.HasPrefix(err.Error(), key+": ") ||
					!strings.Contains(err.Error(), x.refused) {
					t.Errorf("%+v: %v", x, err)
				}
				if s, err = Open(c, Options{Evaluating: true}); err != nil || len(s.Warnings) == 0 ||
					!strings.Contains(s.Warnings[0], x.refused) {
					t.Errorf("%+v: evaluated: %v", x, err)
				}
				continue
			}
			if err != nil || (x.warned != "") != (len(s.Warnings) > 0) || x.warned != "" &&
				!strings.Contains(s.Warnings[0], x.warned) {
				t.Errorf("%+v: %v, %q", x, err, s.Warnings)
			}
		}
	}
}

func TestOverlapOfPairs(t *testing.T) {
	lines := func(from, to int, format string) string {
		var b strings.Builder
		for i := from; i < to; i++ {
			fmt.Fprintf(&b, format+"\n", i)
		}
		return b.String()
	}
	dir := write(t, map[string]string{
		"s": lines(0, 200, "hello %d"), "t": lines(0, 200, "hallo %d"),
		"vs": lines(150, 300, "hello %d"), "vt": lines(150, 160, "hallo %d") + lines(1160, 1300, "hallo %d"),
		"fresh.tsv": lines(900, 1000, "hello %[1]d\thallo %[1]d"),
		"table.tsv": lines(0, 200, "hello %[1]d\thallo %[1]d"),
	})
	at := func(name string) []string { return []string{filepath.Join(dir, name)} }
	base := DefaultConfig()
	base.Pairs.Source, base.Pairs.Target = at("s"), at("t")
	open := func(c Config) (*PairSet, error) {
		if p := c.PairProblems(); p != nil {
			t.Fatal(p)
		}
		return OpenPairs(c, Options{})
	}
	c := base
	c.Pairs.ValidSource, c.Pairs.ValidTarget, c.Test = at("vs"), at("vt"), at("fresh.tsv")
	s, err := open(c)
	if err != nil {
		t.Fatal(err)
	}
	if o, want := s.Overlaps[0], (PairOverlap{"valid", 150, 10, 50, 10, "hello 150"}); o != want {
		t.Errorf("%+v, want %+v", o, want)
	}
	if o := s.Overlaps[1]; o.Pairs != 100 || o.Source+o.Target+o.Both != 0 {
		t.Errorf("%+v", o)
	}
	if len(s.Warnings) != 1 ||
		!strings.HasPrefix(s.Warnings[0],
			"data.valid: of 150 pairs 50 have the source of a training pair, 10 the target too") {
		t.Errorf("%q", s.Warnings)
	}
	for _, x := range []struct {
		source, target string
		want           string
		refused        bool
	}{
		{"s", "t", "data.pairs.valid_source: ", true},
		{"s", "vt", "data.pairs.valid_source: ", false},
		{"vs", "t", "data.pairs.valid_target: ", false},
	} {
		c := base
		if x.source == "s" {
			c.Pairs.ValidTarget = at(x.target)
		}
		c.Pairs.ValidSource, c.Pairs.ValidTarget = at(x.source), at(x.target)
		if !x.refused { // as many lines on both sides
			c.Pairs.ValidSource, c.Pairs.ValidTarget = at(x.source), at(x.target)
			cut := map[string]string{"vs": lines(150, 350, "hello %d"), "vt": lines(1150, 1350, "hallo %d")}
			for name, text := range cut {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		}
		s, err := open(c)
		if x.refused {
			if err == nil || !strings.HasPrefix(err.Error(), x.want) {
				t.Errorf("%+v: %v", x, err)
			}
			continue
		}
		if err != nil || len(s.Warnings) == 0 || !strings.HasPrefix(s.Warnings[0], x.want) {
			t.Errorf("%+v: %v, %+v", x, err, s)
		}
	}
	tables := DefaultConfig()
	tables.Train, tables.Valid = at("table.tsv"), at("table.tsv")
	if _, err := open(tables); err == nil || !strings.HasPrefix(err.Error(), "data.valid: ") {
		t.Errorf("the same table: %v", err)
	}
}
