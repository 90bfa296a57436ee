package mask

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"dmtrain/internal/batch"
)

// TextOptions say how a picture fits a terminal.
type TextOptions struct {
	Width  int      // columns; 0 = 80
	ASCII  bool     // for terminals without UTF-8
	Tokens []string // what stands at each position, shown beside its row; optional

	// Columns is how many a text takes: on terminals some characters take two, and accents of their own none. Nil:
	// one a character.
	Columns func(string) int
}

// glyphs are the signs of one picture.
type glyphs struct {
	cells  [cellLeak + 1]string
	kinds  [kindSlot + 1]string
	shades []string // by visible fraction, from none to all
	bar    string   // between documents
	rule   string
}

var (
	unicodeGlyphs = glyphs{
		cells:  [...]string{"·", "■", "◆", "□", "○", "✗"},
		kinds:  [...]string{" ", " ", ">", "h", "s"},
		shades: []string{"·", "░", "▒", "▓", "█"},
		bar:    "│",
		rule:   "─",
	}
	asciiGlyphs = glyphs{
		cells:  [...]string{".", "#", "+", "o", "?", "!"},
		kinds:  [...]string{" ", " ", ">", "h", "s"},
		shades: []string{".", ":", "+", "x", "#"},
		bar:    "|",
		rule:   "-",
	}
	cellNames = [...]string{"unseen", "visible", "visible ahead", "visible, but hidden", "its answer, unseen",
		"its answer, visible: a leak"}
	shadeNames = [...]string{"none", "under a third", "under two thirds", "more", "all"}
	kindNames  = [...]string{"padding", "no loss", "predicts the next token", "hidden", "slot"}
)

// Text draws a row of p: a line for each query, a column for each key. Rows too long for the width are drawn in
// squares, shaded by how much of them is visible.
func (p *Plan) Text(w io.Writer, b int, rows *batch.Batch, o TextOptions) error {
	t := newTextPicture(w, p, b, rows, o)
	t.caption()
	switch room := t.o.Width - t.margin(); {
	case 2*p.T-1 <= room:
		t.gap = " "
		t.pairs()
	case p.T+t.bounds() <= room:
		t.pairs()
	default:
		t.squares(blocks(p.T, max(room, 1)))
	}
	return t.Flush()
}

// textPicture is one picture on its way out.
type textPicture struct {
	*bufio.Writer
	p    *Plan
	rows *batch.Batch
	b    int
	o    TextOptions
	g    *glyphs
	gap  string // between columns
}

func newTextPicture(w io.Writer, p *Plan, b int, rows *batch.Batch, o TextOptions) *textPicture {
	if o.Width == 0 {
		o.Width = 80
	}
	if o.Columns == nil {
		o.Columns = utf8.RuneCountInString
	}
	t := &textPicture{
		Writer: bufio.NewWriter(w),
		p:      p,
		rows:   rows,
		b:      b,
		o:      o,
		g:      &unicodeGlyphs,
	}
	if o.ASCII {
		t.g = &asciiGlyphs
	}
	return t
}

func (t *textPicture) caption() {
	p, from := t.p, t.b*t.p.T
	documents, hidden, widest := 0, 0, int32(0)
	for i := range p.T {
		if start := t.rows.Start[from+i]; start >= 0 && (i == 0 || boundary(t.rows, t.b, i)) {
			documents++
		}
		hidden += int(p.Hidden[from+i])
		widest = max(widest, p.Window[from+i])
	}
	fmt.Fprintf(t, "step %d, row %d: %s, %s, %d hidden", p.Step, p.First+t.b, plural(p.T, "position"),
		plural(documents, "document"), hidden)
	if widest > 0 {
		fmt.Fprintf(t, ", look-ahead to %d", widest)
	}
	if p.Anchor[t.b] {
		fmt.Fprint(t, ", static mask")
	}
	fmt.Fprintln(t)
}

// bounds is how many documents' bounds the row has.
func (t *textPicture) bounds() int {
	n := 0
	for i := 1; i < t.p.T; i++ {
		n += boolInt(boundary(t.rows, t.b, i))
	}
	return n
}

// margin is the width left of the picture: index, kind, token.
func (t *textPicture) margin() int { return len(fmt.Sprint(t.p.T-1)) + 3 + t.tokenWidth() }

func (t *textPicture) tokenWidth() int {
	if len(t.o.Tokens) == 0 {
		return 0
	}
	widest := 0
	for _, s := range t.o.Tokens {
		widest = max(widest, t.o.Columns(strings.Map(printable, s)))
	}
	return min(widest, 12) + 1
}

// pairs draws one sign a pair.
func (t *textPicture) pairs() {
	t.keyKinds()
	var used [cellLeak + 1]bool
	for i := range t.p.T {
		if i > 0 && boundary(t.rows, t.b, i) {
			t.ruler()
		}
		t.label(i)
		for j := range t.p.T {
			c := t.p.cell(t.b, i, j)
			used[c] = true
			t.column(j, t.g.cells[c])
		}
		fmt.Fprintln(t)
	}
	t.legend(used)
}

// column writes what stands in column j.
func (t *textPicture) column(j int, sign string) {
	t.WriteString(t.before(j))
	t.WriteString(sign)
}

// before is what parts column j from the one before it: a document's bound, or a gap where there is room.
func (t *textPicture) before(j int) string {
	switch {
	case j == 0:
		return ""
	case boundary(t.rows, t.b, j):
		return t.g.bar
	}
	return t.gap
}

// keyKinds heads the columns with what the keys are.
func (t *textPicture) keyKinds() {
	var line strings.Builder
	line.WriteString(strings.Repeat(" ", t.margin()))
	for j := range t.p.T {
		line.WriteString(t.before(j) + t.g.kinds[t.p.kind(t.rows, t.b, j)])
	}
	fmt.Fprintln(t, strings.TrimRight(line.String(), " "))
}

func (t *textPicture) ruler() {
	t.WriteString(strings.Repeat(" ", t.margin()))
	for j := range t.p.T {
		t.column(j, t.g.rule)
	}
	fmt.Fprintln(t)
}

func (t *textPicture) label(i int) {
	fmt.Fprintf(t, "%*d ", len(fmt.Sprint(t.p.T-1)), i)
	if w := t.tokenWidth(); w > 0 {
		token := t.cut(t.o.Tokens[i], w-1)
		t.WriteString(token + strings.Repeat(" ", w-t.o.Columns(token)))
	}
	t.WriteString(t.g.kinds[t.p.kind(t.rows, t.b, i)] + " ")
}

// cut is as much of a text as so many columns hold.
func (t *textPicture) cut(text string, columns int) string {
	text = strings.Map(printable, text)
	for t.o.Columns(text) > columns {
		_, size := utf8.DecodeLastRuneInString(text)
		text = text[:len(text)-size]
	}
	return text
}

// printable keeps control characters from breaking a line of the picture.
func printable(r rune) rune {
	if strconv.IsPrint(r) {
		return r
	}
	return '?'
}

func (t *textPicture) legend(used [cellLeak + 1]bool) {
	fmt.Fprintln(t)
	for c, name := range cellNames {
		if used[c] {
			fmt.Fprintf(t, "  %s %s\n", t.g.cells[c], name)
		}
	}
	var kinds [kindSlot + 1]bool
	for i := range t.p.T {
		kinds[t.p.kind(t.rows, t.b, i)] = true
	}
	for k, name := range kindNames {
		if sign := t.g.kinds[k]; kinds[k] && sign != " " {
			fmt.Fprintf(t, "  %s %s\n", sign, name)
		}
	}
}

// squares draws size×size pairs a sign, one leak among them being enough to show.
func (t *textPicture) squares(size int) {
	n := (t.p.T + size - 1) / size
	t.WriteString(strings.Repeat(" ", t.margin()))
	for k := range n {
		t.WriteString(t.documentSign(k*size, size))
	}
	fmt.Fprintln(t)
	for q := range n {
		fmt.Fprintf(t, "%*d %s ", t.margin()-3, q*size, t.documentSign(q*size, size))
		for k := range n {
			t.WriteString(t.square(q*size, k*size, size))
		}
		fmt.Fprintln(t)
	}
	fmt.Fprintf(t, "\n  each sign is %d queries by %d keys, of which are visible:\n ", size, size)
	for s, sign := range t.g.shades {
		fmt.Fprintf(t, "  %s %s", sign, shadeNames[s])
	}
	fmt.Fprintf(t, "\n  d a document starts   %s %s\n", t.g.cells[cellLeak], cellNames[cellLeak])
}

// documentSign marks a range of positions in which a document starts.
func (t *textPicture) documentSign(from, size int) string {
	for i := from; i < min(from+size, t.p.T); i++ {
		if int(t.rows.Start[t.b*t.p.T+i]) == i {
			return "d"
		}
	}
	return " "
}

func (t *textPicture) square(i0, j0, size int) string {
	visible, all := 0, 0
	for i := i0; i < min(i0+size, t.p.T); i++ {
		for j := j0; j < min(j0+size, t.p.T); j++ {
			if t.p.cell(t.b, i, j) == cellLeak {
				return t.g.cells[cellLeak]
			}
			all++
			visible += boolInt(t.p.Mask.Visible(t.b, i, j))
		}
	}
	switch visible {
	case 0:
		return t.g.shades[0]
	case all:
		return t.g.shades[4]
	}
	return t.g.shades[1+visible*3/all]
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
