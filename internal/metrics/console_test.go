package metrics

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"dmtrain/internal/mask"
)

// screen is as much of a terminal as the console uses: it wraps, returns and erases.
type screen struct {
	t       interface{ Fatalf(string, ...any) }
	width   int
	lines   []string
	current []byte
	column  int
	wrapped int
}

func (s *screen) Write(p []byte) (int, error) {
	for i := 0; i < len(p); i++ {
		switch c := p[i]; {
		case c == '\n':
			s.lines = append(s.lines, strings.TrimRight(string(s.current), " "))
			s.current, s.column = nil, 0
		case c == '\r':
			s.column = 0
		case bytes.HasPrefix(p[i:], []byte(clearLine)):
			s.current = s.current[:min(s.column, len(s.current))]
			i += len(clearLine) - 1
		case c < ' ':
			s.t.Fatalf("control character %q", c)
		default:
			if s.column == s.width {
				s.wrapped++
				s.lines = append(s.lines, string(s.current))
				s.current, s.column = nil, 0
			}
			if s.column < len(s.current) {
				s.current[s.column] = c
			} else {
				s.current = append(s.current, c)
			}
			s.column++
		}
	}
	return len(p), nil
}

// tell runs a console through steps with an evaluation after every second.
func tell(c *Console, at *clock, from, to int, m *mask.Record) {
	for step := from; step <= to; step++ {
		at.pass(2)
		s := &Step{
			Step:     step,
			Loss:     Number(6 / float64(step)),
			LR:       1e-3,
			GradNorm: 1.5,
			Tokens:   2048,
			Mask:     m,
			Time:     Time{TokensPerS: 1024},
		}
		if m != nil {
			s.Hidden = m.Hidden
		}
		c.Step(s)
		if step%2 == 0 {
			loss := 5 / float64(step)
			c.Eval(&Eval{
				Step:        step,
				ValidLoss:   Number(loss),
				Perplexity:  Number(Perplexity(loss)),
				BitsPerByte: Number(loss / math.Ln2),
				Accuracy:    0.25,
				Best:        step == 2,
			})
		}
	}
}

func TestPlainLines(t *testing.T) {
	at := newClock()
	var out strings.Builder
	c := NewConsole(ConsoleOptions{
		Out:   &out,
		Now:   at.now,
		Steps: 12,
		Every: 5,
	})
	c.Note("2 files, %d tokens", 1000)
	tell(c, at, 1, 3, nil)
	c.Warn("step 4 skipped: loss NaN")
	tell(c, at, 4, 12, &mask.Record{Openness: []float64{0.25, 0.75}, Hidden: 0.153})
	want := `2 files, 1000 tokens
step  1/12  loss  6.0000  lr 1.00e-03  norm   1.500  1.02k tok/s  eta      -
eval  2/12  valid  2.5000  perplexity    12.18  bits/byte 3.6067  accuracy  25.0%  best
warning: step 4 skipped: loss NaN
eval  4/12  valid  1.2500  perplexity     3.49  bits/byte 1.8034  accuracy  25.0%
step  5/12  loss  1.2000  lr 1.00e-03  norm   1.500  1.02k tok/s  eta    14s  valid  1.2500  hidden  15%  open 0.50
eval  6/12  valid  0.8333  perplexity     2.30  bits/byte 1.2022  accuracy  25.0%
eval  8/12  valid  0.6250  perplexity     1.87  bits/byte 0.9017  accuracy  25.0%
step 10/12  loss  0.6000  lr 1.00e-03  norm   1.500  1.02k tok/s  eta     4s  valid  0.6250  hidden  15%  open 0.50
eval 10/12  valid  0.5000  perplexity     1.65  bits/byte 0.7213  accuracy  25.0%
step 12/12  loss  0.5000  lr 1.00e-03  norm   1.500  1.02k tok/s  eta     0s  valid  0.5000  hidden  15%  open 0.50
eval 12/12  valid  0.4167  perplexity     1.52  bits/byte 0.6011  accuracy  25.0%
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
}

func TestATerminalShowsOneProgressLineUnderWhatStays(t *testing.T) {
	at := newClock()
	s := &screen{t: t, width: 60}
	c := NewConsole(ConsoleOptions{
		Out:   s,
		Width: func() int { return s.width },
		Now:   at.now,
		Steps: 4,
		Every: 1,
	})
	c.Note("a note")
	tell(c, at, 1, 2, nil)
	c.Warn("careful")
	tell(c, at, 3, 3, nil)
	if want := "step 3/4  loss  2.0000  eta     2s  valid  2.5000"; string(s.current) != want {
		t.Errorf("progress line %q, want %q", s.current, want)
	}
	s.width = 200
	tell(c, at, 4, 4, nil)
	c.Summary(Summary{
		Outcome:  "finished",
		Dir:      "runs/x",
		Step:     4,
		Tokens:   8192,
		ElapsedS: 80,
		First:    &Eval{Step: 0, ValidLoss: 5},
		Best:     &Eval{Step: 4, ValidLoss: 1.25, Perplexity: Number(math.Exp(1.25))},
		Next:     []string{"dmtrain sample --run runs/x", "dmtrain eval --run runs/x"},
	})
	want := []string{
		"a note",
		"eval 2/4  valid  2.5000  perplexity    12.18  bits/byte 3.60", "67  accuracy  25.0%  best",
		"warning: careful",
		"eval 4/4  valid  1.2500  perplexity     3.49  bits/byte 1.8034  accuracy  25.0%",
		"step 4/4  loss  1.5000  lr 1.00e-03  norm   1.500  1.02k tok/s  eta     0s  valid  1.2500",
		"",
		"finished at step 4 of 4: 8.19k tokens in 1m20s (102 tokens/s)",
		"best validation loss 1.2500 at step 4 (perplexity 3.49), 25% of 5.0000 at step 0",
		"saved in runs/x",
		"",
		"next:",
		"  dmtrain sample --run runs/x",
		"  dmtrain eval --run runs/x",
	}
	if diff := cmp.Diff(want, s.lines); diff != "" {
		t.Error(diff)
	}
}

func TestANarrowTerminalShowsTheMostImportantColumns(t *testing.T) {
	at := newClock()
	c := NewConsole(ConsoleOptions{
		Out:   writes(func([]byte) {}),
		Width: func() int { return 80 },
		Now:   at.now,
		Steps: 400,
	})
	tell(c, at, 1, 300, &mask.Record{Openness: []float64{0.5}, Hidden: 0.153})
	for width, want := range map[int]string{
		200: "step 300/400  loss  0.0200  lr 1.00e-03  norm   1.500  1.02k tok/s  eta  3m20s  valid  0.0167  " +
			"hidden  15%  open 0.50",
		100: "step 300/400  loss  0.0200  norm   1.500  1.02k tok/s  eta  3m20s  valid  0.0167  hidden  15%",
		79:  "step 300/400  loss  0.0200  1.02k tok/s  eta  3m20s  valid  0.0167  hidden  15%",
		60:  "step 300/400  loss  0.0200  eta  3m20s  valid  0.0167",
		30:  "step 300/400  loss  0.0200",
		12:  "step 300/400",
		5:   "step ",
		0:   "", -1: "",
	} {
		if got := fit(c.columns(), width); got != want {
			t.Errorf("width %d: %q, want %q", width, got, want)
		}
	}
}

// Whatever the width and whatever the numbers, the progress line never wraps: the screen holds what
// stays, and below it one line.
func TestTheProgressLineNeverWraps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := newClock()
		s := &screen{t: t, width: rapid.IntRange(1, 150).Draw(t, "width")}
		c := NewConsole(ConsoleOptions{
			Out:   s,
			Width: func() int { return s.width },
			Now:   at.now,
			Steps: rapid.IntRange(1, 1e9).Draw(t, "steps"),
		})
		number := rapid.OneOf(rapid.Float64(), rapid.Just(math.NaN()), rapid.Just(math.Inf(1)))
		var want []string
		for step := range rapid.IntRange(1, 20).Draw(t, "count") {
			at.pass(rapid.Float64Range(0, 1e6).Draw(t, "seconds"))
			c.Step(&Step{
				Step:     step,
				Loss:     Number(number.Draw(t, "loss")),
				GradNorm: Number(number.Draw(t, "norm")),
				LR:       number.Draw(t, "lr"),
				Skipped:  rapid.Bool().Draw(t, "skipped"),
				Hidden:   0.5,
				Time:     Time{TokensPerS: rapid.Float64Range(0, 1e18).Draw(t, "speed")},
			})
			if rapid.Bool().Draw(t, "note") {
				want = append(want, "!")
				c.Note("!")
			}
		}
		if diff := cmp.Diff(want, s.lines); diff != "" || s.wrapped > 0 {
			t.Fatalf("wrapped %d times: %s", s.wrapped, diff)
		}
		if len(s.current) > s.width-1 {
			t.Fatalf("%d columns of %d", len(s.current), s.width)
		}
	})
}

func TestColumnsKeepTheirPlaces(t *testing.T) {
	at := newClock()
	var out strings.Builder
	c := NewConsole(ConsoleOptions{
		Out:   &out,
		Now:   at.now,
		Steps: 10000,
		Every: 1,
	})
	places := func(line string) []int {
		var list []int
		for _, label := range []string{"loss", "lr", "norm", "tok/s", "eta"} {
			list = append(list, strings.Index(line, label))
		}
		return list
	}
	var first []int
	for i, loss := range []float64{9.5, 12.75, 0.001, math.NaN()} {
		at.pass(math.Pow(60, float64(i)))
		out.Reset()
		c.Step(&Step{
			Step:     1 + 999*i,
			Loss:     Number(loss),
			LR:       math.Pow(10, -float64(i)),
			GradNorm: Number(100 * loss / 13),
			Time:     Time{TokensPerS: math.Pow(30, float64(i))},
		})
		if first == nil {
			first = places(out.String())
		}
		if diff := cmp.Diff(first, places(out.String())); diff != "" {
			t.Errorf("%s%s", out.String(), diff)
		}
	}
}

func TestATerminalIsNotRedrawnForEveryFastStep(t *testing.T) {
	at := newClock()
	n := 0
	c := NewConsole(ConsoleOptions{
		Out:   writes(func(p []byte) { n += bytes.Count(p, []byte("\r")) }),
		Width: func() int { return 80 },
		Now:   at.now,
		Steps: 1001,
	})
	for step := range 1000 { // in 10 seconds
		at.pass(0.01)
		c.Step(&Step{Step: step + 1})
	}
	if n < 90 || n > 101 {
		t.Errorf("drawn %d times in 10 seconds", n)
	}
	n = 0
	c.Step(&Step{Step: 1001})
	if n != 1 {
		t.Error("the last step was not drawn")
	}
}

type writes func([]byte)

func (w writes) Write(p []byte) (int, error) { w(p); return len(p), nil }

func TestQuietShowsOnlyWarnings(t *testing.T) {
	at := newClock()
	var out strings.Builder
	c := NewConsole(ConsoleOptions{
		Out:   &out,
		Now:   at.now,
		Steps: 4,
		Quiet: true,
	})
	c.Note("hello")
	tell(c, at, 1, 4, nil)
	c.Warn("disk almost full")
	c.Summary(Summary{Outcome: "finished"})
	if want := "warning: disk almost full\n"; out.String() != want {
		t.Errorf("%q, want %q", out.String(), want)
	}
}

func TestAClosedTerminalEndsNothing(t *testing.T) {
	at := newClock()
	c := NewConsole(ConsoleOptions{
		Out:   refusing{},
		Width: func() int { return 80 },
		Now:   at.now,
		Steps: 4,
	})
	tell(c, at, 1, 4, nil)
	c.Summary(Summary{})
}

type refusing struct{}

func (refusing) Write([]byte) (int, error) { return 0, fmt.Errorf("broken pipe") }
