package metrics

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"
)

// ConsoleOptions say where and how to show a run.
type ConsoleOptions struct {
	Out   io.Writer
	Width func() int // columns of the terminal; nil: Out is not a terminal
	Now   func() time.Time
	Steps int // of the whole run
	Every int // steps between lines where Out is not a terminal; below 1 means 1
	Quiet bool
}

// redraw is the shortest time between changes of the progress line; faster changes flicker.
const redraw = 100 * time.Millisecond

// Console shows a run to a person. It is not safe for concurrent use. Errors of Out are ignored, since a closed
// terminal must not end a training run.
type Console struct {
	ConsoleOptions
	drawn bool      // the progress line is on the screen
	at    time.Time // since then
	valid Number    // of the last evaluation
	evals int

	step Step // the last one
	pace pace
}

// NewConsole makes a console. Now may be nil.
func NewConsole(o ConsoleOptions) *Console {
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Console{ConsoleOptions: o}
}

// TerminalWidth returns a function for the width of the terminal f; nil if f is no terminal, or one that can't move its
// cursor (TERM=dumb, Windows before 10).
func TerminalWidth(f *os.File) func() int {
	fd := int(f.Fd())
	if !term.IsTerminal(fd) || os.Getenv("TERM") == "dumb" || !obeysEscapes(f) {
		return nil
	}
	return func() int {
		width, _, err := term.GetSize(fd)
		if err != nil || width < 1 {
			return 80
		}
		return width
	}
}

// Step shows a step: on a terminal in place of the last one, elsewhere every few steps.
func (c *Console) Step(s *Step) {
	if c.Quiet {
		return
	}
	now := c.Now()
	c.pace.step(now)
	c.step = *s
	switch {
	case c.Width != nil:
		if !c.drawn || now.Sub(c.at) >= redraw || s.Step >= c.Steps {
			c.draw(now)
		}
	case s.Step%max(c.Every, 1) == 0 || s.Step == 1 || s.Step >= c.Steps:
		c.line(c.progress())
	}
}

// Eval shows an evaluation on a line that stays.
func (c *Console) Eval(e *Eval) {
	c.valid = e.ValidLoss
	c.evals++
	if c.Quiet {
		return
	}
	c.line(c.evaluation(e))
}

// Test shows the evaluation on the test text on a line that stays.
func (c *Console) Test(t *Test) {
	if c.Quiet {
		return
	}
	c.line(c.figures("test", "test", &Eval{
		Step:        t.Step,
		ValidLoss:   t.TestLoss,
		Perplexity:  t.Perplexity,
		BitsPerByte: t.BitsPerByte,
		Accuracy:    t.Accuracy,
		Infill:      t.Infill,
		Pairs:       t.Pairs,
	}))
}

// Note shows a remark on a line that stays.
func (c *Console) Note(format string, args ...any) {
	if !c.Quiet {
		c.line(fmt.Sprintf(format, args...))
	}
}

// Warn is Note, but a quiet console shows it too.
func (c *Console) Warn(format string, args ...any) {
	c.line("warning: " + fmt.Sprintf(format, args...))
}

// Break ends the progress line, before others write to the terminal.
func (c *Console) Break() {
	if c.drawn {
		c.draw(c.Now())
		io.WriteString(c.Out, "\n")
		c.drawn = false
	}
}

// line writes a line that stays, above the progress line if there is one.
func (c *Console) line(text string) {
	if !c.drawn {
		io.WriteString(c.Out, text+"\n")
		return
	}
	io.WriteString(c.Out, "\r"+clearLine+text+"\n")
	c.draw(c.Now())
}

const clearLine = "\x1b[K" // ECMA-48: erase to the end of the line

// draw overwrites the progress line. The last column stays free, since some terminals would wrap.
func (c *Console) draw(now time.Time) {
	io.WriteString(c.Out, "\r"+fit(c.columns(), c.Width()-1)+clearLine)
	c.drawn, c.at = true, now
}

// column is one item of the progress line. Its text has a fixed width if possible, so that items don't move.
type column struct {
	text string
	rank int // 0 … ranks−1: a narrow terminal shows low ranks first
}

const (
	ranks     = 9
	columnGap = "  "
	unlimited = 1 << 20 // places
)

// columns are the items of the progress line, in order.
func (c *Console) columns() []column {
	s := &c.step
	list := []column{
		{c.place("step", s.Step), 0},
		{fmt.Sprintf("loss %7.4f", s.Loss), 1},
		{fmt.Sprintf("lr %.2e", s.LR), 7},
		{fmt.Sprintf("norm %7.3f", s.GradNorm), 6},
		{fmt.Sprintf("%5s tok/s", Count(s.Time.TokensPerS)), 4},
		{fmt.Sprintf("eta %6s", c.timeLeft()), 3},
	}
	if c.evals > 0 {
		list = append(list, column{fmt.Sprintf("valid %7.4f", c.valid), 2})
	}
	if s.Hidden > 0 || s.Mask != nil {
		list = append(list, column{fmt.Sprintf("hidden %3.0f%%", 100*s.Hidden), 5})
	}
	if s.Mask != nil && len(s.Mask.Openness) > 0 {
		list = append(list, column{fmt.Sprintf("open %4.2f", mean(s.Mask.Openness)), 8})
	}
	if s.Skipped {
		list = append(list, column{"skipped", 1})
	}
	return list
}

// progress is the whole progress line.
func (c *Console) progress() string { return fit(c.columns(), unlimited) }

// fit joins as many columns as fit into the width, choosing low ranks first, and cuts the first if necessary. Texts
// have one place a byte.
func fit(list []column, width int) string {
	kept := make([]bool, len(list))
	room := width + len(columnGap)
	for rank := range ranks {
		for i, col := range list {
			if need := len(col.text) + len(columnGap); col.rank == rank && need <= room {
				kept[i] = true
				room -= need
			}
		}
	}
	var texts []string
	for i, col := range list {
		if kept[i] {
			texts = append(texts, col.text)
		}
	}
	if texts == nil {
		return list[0].text[:max(min(width, len(list[0].text)), 0)]
	}
	return strings.Join(texts, columnGap)
}

func (c *Console) timeLeft() string {
	left, ok := c.pace.left(c.Steps - c.step.Step)
	if !ok {
		return "-"
	}
	return Duration(left)
}

func (c *Console) evaluation(e *Eval) string { return c.figures("eval", "valid", e) }

func (c *Console) figures(what, text string, e *Eval) string {
	parts := []string{
		c.place(what, e.Step),
		fmt.Sprintf("%-5s %7.4f", text, e.ValidLoss),
		fmt.Sprintf("perplexity %8s", Count(float64(e.Perplexity))),
	}
	if e.BitsPerByte > 0 {
		parts = append(parts, fmt.Sprintf("bits/byte %6.4f", e.BitsPerByte))
	}
	parts = append(parts, fmt.Sprintf("accuracy %5.1f%%", 100*e.Accuracy))
	if e.Infill != nil {
		parts = append(parts, fmt.Sprintf("infill %7.4f", e.Infill.Loss))
	}
	if e.Pairs != nil {
		parts = append(parts, fmt.Sprintf("exact %5.1f%%  BLEU %5.2f  ROUGE-L %5.2f", e.Pairs.Exact, e.Pairs.BLEU,
			e.Pairs.ROUGEL))
	}
	if e.Best {
		parts = append(parts, "best")
	}
	return strings.Join(parts, "  ")
}

// place is "step  20/400".
func (c *Console) place(what string, step int) string {
	total := fmt.Sprint(c.Steps)
	return fmt.Sprintf("%s %*d/%s", what, len(total), step, total)
}

func mean(v []float64) float64 {
	sum := 0.0
	for _, x := range v {
		sum += x
	}
	return sum / float64(len(v))
}
