package compare

import (
	"bytes"
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
)

// The picture's size and resolution.
const (
	pictureWidth  = 11 * vg.Inch
	pictureHeight = 4.8 * vg.Inch
	pictureDPI    = 144
)

// palette is that of Okabe and Ito, for any colour vision. Further arms start it again.
var palette = [...]color.NRGBA{{0, 0, 0, 255}, {230, 159, 0, 255}, {86, 180, 233, 255}, {0, 158, 115, 255},
	{213, 94, 0, 255},
	{0, 114, 178, 255}, {204, 121, 167, 255}, {150, 140, 20, 255}}

// Picture is a PNG: validation loss over steps on the left, paired differences from the baseline on the right.
func (r *Report) Picture() ([]byte, error) {
	curves, err := r.curves()
	if err != nil {
		return nil, err
	}
	differences, err := r.differences()
	if err != nil {
		return nil, err
	}
	img := vgimg.NewWith(vgimg.UseWH(pictureWidth, pictureHeight), vgimg.UseDPI(pictureDPI))
	page := draw.Crop(draw.New(img), 0.15*vg.Inch, -0.2*vg.Inch, 0.12*vg.Inch, -0.12*vg.Inch)
	tiles := draw.Tiles{Rows: 1, Cols: 2, PadX: 0.35 * vg.Inch}
	for i, c := range plot.Align([][]*plot.Plot{{curves, differences}}, tiles, page)[0] {
		[]*plot.Plot{curves, differences}[i].Draw(c)
	}
	var b bytes.Buffer
	_, err = vgimg.PngCanvas{Canvas: img}.WriteTo(&b)
	return b.Bytes(), err
}

// curves is the mean of each arm's validation loss over its seeds, in a band from the lowest to the highest.
func (r *Report) curves() (*plot.Plot, error) {
	p := plot.New()
	p.Title.Text = "validation loss: mean and range over seeds"
	p.X.Label.Text, p.Y.Label.Text = "step", "nats per token, static mask"
	p.Legend.Top = true
	p.Add(plotter.NewGrid())
	low, start := math.Inf(1), math.Inf(-1)
	for i, a := range r.Arms {
		mean, band := a.curve()
		if len(mean) == 0 {
			continue
		}
		line, err := plotter.NewLine(mean)
		if err != nil {
			return nil, err
		}
		polygon, err := plotter.NewPolygon(band)
		if err != nil {
			return nil, err
		}
		line.Color, line.Width = palette[i%len(palette)], vg.Points(1.5)
		shade := palette[i%len(palette)]
		shade.A = 40
		polygon.Color, polygon.LineStyle.Width = shade, 0
		p.Add(polygon, line)
		p.Legend.Add(a.Name, line)
		for _, xy := range mean {
			low, start = min(low, xy.Y), max(start, xy.Y)
		}
	}
	// The first steep descent is cut off, to show what happens after it.
	if low < start {
		p.Y.Min, p.Y.Max = low-0.02*(start-low), low+0.25*(start-low)
	}
	return p, nil
}

// curve is the mean of an arm's evaluations, and the outline of their range, without steps at which a run has no finite
// loss.
func (a *ArmReport) curve() (mean, band plotter.XYs) {
	var upper plotter.XYs
	for i, at := range a.Runs[0].Curve {
		sum, low, high := 0.0, math.Inf(1), math.Inf(-1)
		for _, t := range a.Runs {
			if i >= len(t.Curve) {
				return mean, append(band, reversed(upper)...)
			}
			v := float64(t.Curve[i].Valid)
			sum, low, high = sum+v, min(low, v), max(high, v)
		}
		if math.IsNaN(sum) || math.IsInf(sum, 0) {
			continue
		}
		x := float64(at.Step)
		mean = append(mean, plotter.XY{X: x, Y: sum / float64(len(a.Runs))})
		band = append(band, plotter.XY{X: x, Y: low})
		upper = append(upper, plotter.XY{X: x, Y: high})
	}
	return mean, append(band, reversed(upper)...)
}

func reversed(points plotter.XYs) plotter.XYs {
	back := make(plotter.XYs, 0, len(points))
	for i := range points {
		back = append(back, points[len(points)-1-i])
	}
	return back
}

// dots are differences with their intervals.
type dots struct {
	plotter.XYs
	plotter.XErrors
}

// differences is a dot with its interval for each arm, the first on top.
func (r *Report) differences() (*plot.Plot, error) {
	p := plot.New()
	p.Title.Text = r.loss() + " minus that of " + r.Baseline
	p.X.Label.Text = "nats per token, 95 % interval over seeds (left of 0 is better)"
	p.Add(plotter.NewGrid())
	var names []string
	reach := 0.0
	for i := len(r.Arms) - 1; i >= 0; i-- {
		a, y := &r.Arms[i], float64(len(names))
		d := r.difference(a)
		if d == nil {
			continue
		}
		names = append(names, a.Name)
		x, half := float64(d.Mean), d.half()
		if math.IsNaN(x) || math.IsInf(x, 0) {
			continue
		}
		if math.IsNaN(half) {
			half = 0
		}
		reach = max(reach, math.Abs(x)+half)
		if err := addDot(p, dots{plotter.XYs{{X: x, Y: y}}, plotter.XErrors{{Low: half, High: half}}},
			palette[i%len(palette)]); err != nil {
			return nil, err
		}
	}
	zero, err := plotter.NewLine(plotter.XYs{{X: 0, Y: -0.5}, {X: 0, Y: float64(len(names)) - 0.5}})
	if err != nil {
		return nil, err
	}
	zero.Dashes = []vg.Length{vg.Points(4), vg.Points(3)}
	p.Add(zero)
	p.NominalY(names...)
	p.Y.Min, p.Y.Max = -0.5, float64(len(names))-0.5
	if reach > 0 {
		p.X.Min, p.X.Max = -1.05*reach, 1.05*reach
	}
	return p, nil
}

func addDot(p *plot.Plot, d dots, c color.Color) error {
	bar, err := plotter.NewXErrorBars(d)
	if err != nil {
		return err
	}
	dot, err := plotter.NewScatter(d.XYs)
	if err != nil {
		return err
	}
	bar.Color, bar.Width = c, vg.Points(1.5)
	dot.GlyphStyle = draw.GlyphStyle{Color: c, Radius: vg.Points(4), Shape: draw.CircleGlyph{}}
	p.Add(bar, dot)
	return nil
}
