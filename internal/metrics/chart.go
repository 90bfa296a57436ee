package metrics

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/guptarohit/asciigraph"
)

// ChartOptions describe the terminal.
type ChartOptions struct {
	Width int  // columns
	ASCII bool // for terminals without UTF-8
}

// The layout of a chart, in rows and columns.
const (
	chartHeight = 10
	chartOffset = 3
	labelWidth  = 6
	xMargin     = 3 // where the last label of the steps reaches
	xTicks      = 5
)

// toASCII replaces signs that asciigraph can't configure.
var toASCII = strings.NewReplacer("┤", "|", "┼", "+", "└", "+", "┬", "+", "─", "-")

// Charts draws panels over steps, one below the other. A panel whose curves are constant is a line of text.
func Charts(w io.Writer, steps []int, panels []Panel, o ChartOptions) error {
	var b strings.Builder
	for i, p := range panels {
		if i > 0 {
			b.WriteString("\n")
		}
		if values, still := p.still(); still {
			b.WriteString(unmoved(p, values))
		} else {
			b.WriteString(chart(p, steps, o))
		}
		b.WriteString("\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func unmoved(p Panel, values []float64) string {
	parts := make([]string, len(values))
	for i, v := range values {
		parts[i] = fmt.Sprintf("%s %.4g", p.Curves[i].Name, v)
	}
	return p.Title + ": " + strings.Join(parts, ", ") + " throughout"
}

// signs are the characters of the curves, in order, and of the legend.
func signs(ascii bool) (sets []asciigraph.CharSet, legend []string) {
	if ascii {
		legend = []string{"#", "."}
		return []asciigraph.CharSet{asciigraph.CreateCharSet("#"), asciigraph.CreateCharSet(".")}, legend
	}
	return []asciigraph.CharSet{asciigraph.DefaultCharSet, asciigraph.CreateCharSet("·")}, []string{"─", "·"}
}

// chart draws the curves of a panel. The last are drawn first, so that the first is on top.
func chart(p Panel, steps []int, o ChartOptions) string {
	width := max(o.Width-chartOffset-labelWidth-xMargin, 10)
	sets, legend := signs(o.ASCII)
	text := p.Title + ":"
	var data [][]float64
	for i, c := range p.Curves {
		text += fmt.Sprintf("  %s %s", legend[i], c.Name)
		data = append(data, columns(c.Y, width))
	}
	slices.Reverse(data)
	slices.Reverse(sets)
	low, top := p.bounds()
	drawn := asciigraph.PlotMany(data,
		asciigraph.Width(width), asciigraph.Height(chartHeight), asciigraph.Offset(chartOffset),
		asciigraph.LowerBound(low), asciigraph.UpperBound(top), asciigraph.SeriesChars(sets...),
		asciigraph.YAxisValueFormatter(labels(top-low)),
		asciigraph.XAxisRange(float64(steps[0]), float64(steps[len(steps)-1])), asciigraph.XAxisTickCount(xTicks),
		asciigraph.XAxisValueFormatter(func(v float64) string { return fmt.Sprintf("%.0f", v) }))
	if o.ASCII {
		drawn = toASCII.Replace(drawn)
	}
	return text + "\n" + drawn
}

// labels formats axis labels with enough decimals to differ over the span.
func labels(span float64) func(float64) string {
	decimals := min(max(int(math.Ceil(1-math.Log10(span/chartHeight))), 0), 4)
	return func(v float64) string { return fmt.Sprintf("%*.*f", labelWidth, decimals, v) }
}

// columns averages a curve with more points than columns.
func columns(y []float64, width int) []float64 {
	if len(y) <= width {
		return y
	}
	means := make([]float64, width)
	for i := range means {
		means[i] = mean(y[i*len(y)/width : (i+1)*len(y)/width])
	}
	return means
}
