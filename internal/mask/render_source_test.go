package mask

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// read gives a plan a source of which each position sees so much.
func read(p *Plan, sees ...int32) *Plan {
	p.Sources = []SourcePlan{{Cross: Mask{Hi: sees}}}
	return p
}

func TestSourceText(t *testing.T) {
	plan, rows := workedPlan(t)
	var out strings.Builder
	o := TextOptions{ASCII: true, Tokens: []string{"the", "cat", "sat", "\n", "on", "mats"}}
	if err := read(plan, 1, 2, 2, 3, 3, 3).SourceText(&out, 0, rows, []string{"die", "Katze", "\x1b", "."},
		o); err != nil {
		t.Fatal(err)
	}
	want := `the source, 4 tokens: die Katze ? .
         0 1 2 3
0 the  > # # . .
1 cat  > # # # .
2 sat  s # # # .
3 ?    > # # # #
4 on   s # # # #
5 mats   # # # #
`
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}

// Long sources fit the width too: without gaps, and then in numbers; their tokens in several lines.
func TestSourceTextFitsItsTerminal(t *testing.T) {
	plan, rows := workedPlan(t)
	for _, c := range []struct {
		tokens int
		want   string
	}{{30, "0 > ■■■■■■■■■■······"}, {50, "0 > 10 of 50\n"}} {
		source := make([]string, c.tokens)
		for i := range source {
			source[i] = strings.Repeat("x", i)
		}
		var out strings.Builder
		if err := read(plan, 9, 9, 9, 9, 9, 9).SourceText(&out, 0, rows, source, TextOptions{Width: 40}); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(out.String(), c.want) {
			t.Errorf("%d tokens: got\n%s\nwant\n%s", c.tokens, out.String(), c.want)
		}
		for _, line := range strings.Split(out.String(), "\n") {
			if n := utf8.RuneCountInString(line); n > 40 {
				t.Errorf("%d tokens: a line of %d columns: %s", c.tokens, n, line)
			}
		}
	}
}

// Characters that take two columns, or none, leave the picture's columns where they are.
func TestPicturesKeepTheirColumns(t *testing.T) {
	plan, rows := workedPlan(t)
	const margin = 2 + 12 + 1 + 2       // number, token, kind
	wide := func(text string) (n int) { // as terminals draw the characters of this test
		for _, r := range text {
			switch {
			case r == '\u0301':
			case r >= 0x1100:
				n += 2
			default:
				n++
			}
		}
		return n
	}
	o := TextOptions{
		ASCII:   true,
		Width:   60,
		Columns: wide,
		Tokens:  []string{"the", "漢字", "e\u0301te\u0301", "\u200b", "가나다라마바사", "mats"},
	}
	for name, draw := range map[string]func(*strings.Builder) error{
		"row": func(b *strings.Builder) error { return plan.Text(b, 0, rows, o) },
		"source": func(b *strings.Builder) error {
			return read(plan, 1, 2, 2, 3, 3, 3).SourceText(b, 0, rows, o.Tokens[:4], o)
		},
	} {
		var out strings.Builder
		if err := draw(&out); err != nil {
			t.Fatal(err)
		}
		lines := 0
		for line := range strings.Lines(out.String()) {
			if line[0] < '0' || line[0] > '5' || line[1] != ' ' {
				continue
			}
			lines++
			cells := strings.IndexAny(line, "#.")
			if width := wide(line[:cells]); width != margin {
				t.Errorf("%s: %d columns before the picture, want %d:\n%s", name, width, margin, out.String())
			}
		}
		if lines != 6 {
			t.Errorf("%s: %d lines of 6:\n%s", name, lines, out.String())
		}
	}
}
