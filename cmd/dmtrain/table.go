package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/mattn/go-runewidth"
)

// table prints names and values.
type table [][2]string

func (t *table) add(name, format string, args ...any) {
	*t = append(*t, [2]string{name, fmt.Sprintf(format, args...)})
}

func (t table) print(w io.Writer) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range t {
		fmt.Fprintf(tw, "%s\t%s\n", row[0], row[1])
	}
	return tw.Flush()
}

// grid prints a heading and rows of cells, with numbers aligned right and words left.
type grid [][]string

func cell(format string, v any) string { return fmt.Sprintf(format, v) }

func (g grid) print(w io.Writer) error {
	widths := make([]int, len(g[0]))
	words := make([]bool, len(g[0])) // columns without numbers
	for _, row := range g {
		for c, text := range row {
			widths[c] = max(widths[c], runewidth.StringWidth(text))
		}
	}
	for c := range words {
		words[c] = len(g) > 1 && g[1][c] != "" && !strings.ContainsAny(g[1][c][:1], "-.0123456789")
	}
	for _, row := range g {
		var line strings.Builder
		for c, text := range row {
			pad := strings.Repeat(" ", widths[c]-runewidth.StringWidth(text))
			if words[c] {
				text, pad = text+pad, ""
			}
			if c > 0 {
				line.WriteString("  ")
			}
			line.WriteString(pad + text)
		}
		if _, err := fmt.Fprintln(w, strings.TrimRight(line.String(), " ")); err != nil {
			return err
		}
	}
	return nil
}
