package mask

import (
	"fmt"
	"io"
	"strings"
)

// SourceText draws what a target, row b of p, sees of its source: a line for each position of the target and a column for each token of
// the source, of which sees has the last one that is visible. A source too long for the width is told in numbers.
func (p *Plan) SourceText(w io.Writer, b int, rows *Rows, sees []int32, source []string, o TextOptions) error {
	t := newTextPicture(w, p, b, rows, o)
	t.words(fmt.Sprintf("the source, %s:", plural(len(source), "token")), source)
	gap, room := " ", t.o.Width-t.margin()
	if 2*len(source)-1 > room {
		gap = ""
	}
	for i := range p.T {
		t.label(i)
		seen := int(sees[b*p.T+i]) + 1
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

// words writes tokens behind a title, in as many lines as they take. It counts characters, of which a terminal may show some twice as wide.
func (t *textPicture) words(title string, tokens []string) {
	t.WriteString(title)
	column := len([]rune(title))
	for _, token := range tokens {
		text := []rune(strings.Map(printable, token))
		text = text[:min(len(text), t.o.Width-3)]
		if column += 1 + len(text); column > t.o.Width {
			t.WriteString("\n ")
			column = 2 + len(text)
		}
		t.WriteString(" " + string(text))
	}
	fmt.Fprintln(t)
}
