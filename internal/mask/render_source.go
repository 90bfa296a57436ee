package mask

import (
	"fmt"
	"io"
	"strings"

	"dmtrain/internal/batch"
)

// SourceText draws what a target, row b of p, sees of its first source: a line for each position of the target and
// a column for each token of the source. A source too long for the width is told in numbers.
func (p *Plan) SourceText(w io.Writer, b int, rows *batch.Batch, source []string, o TextOptions) error {
	t := newTextPicture(w, p, b, rows, o)
	t.words(fmt.Sprintf("the source, %s:", plural(len(source), "token")), source)
	gap, room := " ", t.o.Width-t.margin()
	if 2*len(source)-1 > room {
		gap = ""
	}
	if len(source) <= room {
		t.heads(len(source), gap)
	}
	for i := range p.T {
		t.label(i)
		seen := int(p.Sources[0].Cross.Hi[b*p.T+i]) + 1
		if p.kind(rows, b, i) == kindPadding {
			seen = 0
		}
		if len(source) > room {
			fmt.Fprintf(t, "%d of %d\n", seen, len(source))
			continue
		}
		signs := make([]string, len(source))
		for j := range signs {
			signs[j] = t.g.cells[cellUnseen]
			if j < seen {
				signs[j] = t.g.cells[cellSeen]
			}
		}
		fmt.Fprintln(t, strings.Join(signs, gap))
	}
	return t.Flush()
}

// heads are the numbers of a source's tokens above their columns, a line for each digit.
func (t *textPicture) heads(n int, gap string) {
	for unit := tens(n - 1); unit > 0; unit /= 10 {
		digits := make([]string, n)
		for j := range digits {
			digits[j] = " "
			if j >= unit || unit == 1 {
				digits[j] = fmt.Sprint(j / unit % 10)
			}
		}
		t.WriteString(strings.Repeat(" ", t.margin()))
		fmt.Fprintln(t, strings.TrimRight(strings.Join(digits, gap), " "))
	}
}

// tens is the largest power of ten that is not above n, or 1.
func tens(n int) int {
	unit := 1
	for unit <= n/10 {
		unit *= 10
	}
	return unit
}

// words writes tokens behind a title, in as many lines as they take.
func (t *textPicture) words(title string, tokens []string) {
	t.WriteString(title)
	column := t.o.Columns(title)
	for _, token := range tokens {
		text := t.cut(token, t.o.Width-3)
		width := t.o.Columns(text)
		if column += 1 + width; column > t.o.Width {
			t.WriteString("\n ")
			column = 2 + width
		}
		t.WriteString(" " + text)
	}
	fmt.Fprintln(t)
}
