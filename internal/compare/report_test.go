package compare

import (
	"bytes"
	"image/png"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dmtrain/internal/metrics"
)

// made is a report of arms whose runs came to given best validation losses.
func made(arms ...ArmReport) *Report {
	r := &Report{
		Version:    "test",
		Dir:        "runs/x",
		Confidence: confidence,
		Baseline:   arms[0].Name,
		Arms:       arms,
		Setup: Setup{
			Steps:       100,
			BatchSize:   4,
			SeqLen:      32,
			StepTokens:  128,
			TrainTokens: 1600,
			ValidTokens: 160,
			Device:      "cpu generic",
			Threads:     2,
		},
	}
	for i := range arms[0].Runs {
		r.Setup.Seeds = append(r.Setup.Seeds, uint64(i+1))
	}
	r.estimate()
	return r
}

func arm(name string, losses ...float64) ArmReport {
	a := ArmReport{Name: name}
	for i, v := range losses {
		n := metrics.Number(v)
		a.Runs = append(a.Runs, &Result{
			Seed:       uint64(i + 1),
			Best:       n,
			BestStep:   50,
			Final:      n + 0.125,
			Infill:     metrics.Number(math.NaN()),
			TokensPerS: 1000,
			Curve:      []Point{{0, 4}, {50, n}, {100, n + 0.125}},
		})
	}
	return a
}

func filling(a ArmReport, loss float64) ArmReport {
	for _, t := range a.Runs {
		t.Infill = metrics.Number(loss)
	}
	return a
}

func yokedTo(target string, a ArmReport) ArmReport {
	a.Yoked = target
	return a
}

// The numbers in the golden table were computed by hand from these: better's differences are −0.2 −0.1 −0.3, that
// is −0.2 ± 0.1·4.302653/√3 = 0.2484; sure's −0.2 −0.21 −0.19, ± 0.0248. With 2 degrees of freedom p = 1 −
// t/√(t²+2): 0.0742 and 0.0008, and Holm doubles the latter, two of the four tests having smaller ones.
func TestMarkdownIsGolden(t *testing.T) {
	r := made(arm("static", 2, 2.125, 2.25), arm("better", 1.8, 2.025, 1.95),
		filling(arm("sure", 1.8, 1.915, 2.06), 1.5),
		yokedTo("sure", filling(arm("yoked:sure", 1.9, 2.025, 2.15), 1.5)), arm("worse", 2.5, 2.625, 2.76),
		arm("broken", 2, math.NaN(), 2))
	r.Arms[1].Runs[0].Skipped = 3
	want, err := os.ReadFile("testdata/compare.md")
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), r.Markdown()); d != "" {
		t.Errorf("testdata/compare.md differs:\n%s\ngot\n%s", d, r.Markdown())
	}
}

func TestVerdict(t *testing.T) {
	base := arm("static", 2, 2.1, 2.2)
	for name, c := range map[string]struct {
		r            *Report
		want, absent []string
	}{
		"none beats": {
			made(base, arm("a", 1.9, 2.1, 2.3), arm("b", 1.5, 2.1, 2.2)),
			[]string{"No arm beats static", "These are 2 comparisons over 3 seeds", "up to 10 %. None does."},
			[]string{"worse", "beat static"},
		},
		"one beats and holds": {
			made(base, arm("a", 1.9, 2.1, 2.3), arm("b", 1.8, 1.9001, 2.0)),
			[]string{"b beats static", "With Holm's correction for that, b is significantly"}, []string{"No arm"},
		},
		"two beat, by chance perhaps": {
			made(base, arm("a", 1.8, 1.83, 2.07), arm("b", 1.8, 1.97, 1.93), arm("c", 2, 2.2, 2.2)),
			[]string{"a and b beat static",
				"up to 15 %. With Holm's correction for that, no difference is significant"},
			[]string{"worse", "No arm"},
		},
		"worse only": {
			made(base, arm("a", 3, 3.1, 3.2)),
			[]string{"No arm beats static", "a is worse than static", "The interval is over 3 seeds."},
			[]string{"Holm"},
		},
		"one seed": {
			made(arm("static", 2), arm("a", 1)),
			[]string{"One seed gives no interval"}, []string{"beat", "worse"},
		},
		"adaptivity shows": {
			made(base, arm("adaptive", 1.8, 1.9, 2.0), yokedTo("adaptive", arm("yoked", 1.9, 2, 2.1001))),
			[]string{"adaptive minus yoked, which replays another seed's openness: -0.1000 ± 0.0001; so it does " +
				"more than its schedule"}, nil,
		},
		"adaptivity does not show": {
			made(base, arm("adaptive", 1.8, 1.9, 2.0), yokedTo("adaptive", arm("yoked", 1.9, 1.8, 2))),
			[]string{"so what it does is not told apart from what its schedule does"}, nil,
		},
		"adaptivity harms": {
			made(base, arm("adaptive", 1.8, 1.9, 2.0), yokedTo("adaptive", arm("yoked", 1.7, 1.8, 1.9001))),
			[]string{"so it does worse than its schedule"}, nil,
		},
		"a loss that is not finite beats nothing": {
			made(base, arm("a", math.NaN(), 1, 1)),
			[]string{"No arm beats static"}, []string{"worse"},
		},
	} {
		got := strings.Join(c.r.Verdict, "\n")
		for _, w := range c.want {
			if !strings.Contains(got, w) {
				t.Errorf("%s: lacks %q:\n%s", name, w, got)
			}
		}
		for _, w := range c.absent {
			if strings.Contains(got, w) {
				t.Errorf("%s: has %q:\n%s", name, w, got)
			}
		}
	}
}

// Whatever a comparison finds can be drawn, and the picture shows it: other losses, another picture.
func TestPicture(t *testing.T) {
	nan := math.NaN()
	pictures := map[string]string{}
	for name, r := range map[string]*Report{
		"ordinary":       made(arm("static", 2, 2.1, 2.2), arm("a", 1.9, 2.1, 2.3)),
		"other":          made(arm("static", 2, 2.1, 2.2), arm("a", 1.5, 1.8, 1.9)),
		"one seed":       made(arm("static", 2), arm("a", 1.9)),
		"not finite":     made(arm("static", 2, 2.1), arm("a", nan, 1)),
		"nothing to it":  made(arm("static", 2, 2), arm("a", 2, 2)),
		"nothing at all": made(arm("static", nan, nan), arm("a", nan, nan)),
		"many": made(arm("static", 2, 2.5), arm("a", 1, 2), arm("b", 1, 2), arm("c", 1, 2), arm("d", 1, 2),
			arm("e", 1, 2), arm("f", 1, 2), arm("g", 1, 2),
			arm("h", 1, 2), arm("i", 1, 2)),
	} {
		data, err := r.Picture()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		img, err := png.Decode(bytes.NewReader(data))
		if err != nil || img.Bounds().Dx() < 1000 || img.Bounds().Dy() < 400 {
			t.Errorf("%s: %v, %v", name, err, img)
		}
		if same := pictures[string(data)]; same != "" {
			t.Errorf("%s looks like %s", name, same)
		}
		pictures[string(data)] = name
	}
}

func TestPictureIsTheSameEachTime(t *testing.T) {
	r := made(arm("static", 2, 2.1, 2.2), arm("a", 1.9, 2.1, 2.3))
	first, err := r.Picture()
	if err != nil {
		t.Fatal(err)
	}
	if second, err := r.Picture(); err != nil || !bytes.Equal(first, second) {
		t.Errorf("%v, or another picture", err)
	}
}

func TestListReadsAsASentence(t *testing.T) {
	for n, want := range []string{"", "a", "a and b", "a, b and c"} {
		if got := list([]string{"a", "b", "c"}[:n]); got != want {
			t.Errorf("%d names: %q, want %q", n, got, want)
		}
	}
}
