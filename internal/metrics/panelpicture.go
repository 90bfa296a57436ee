package metrics

import (
	"bytes"
	"image/color"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
)

// The size of a picture and its resolution; no curve has more points than that can show.
const (
	pictureWidth = 8 * vg.Inch
	panelHeight  = 2.4 * vg.Inch
	pictureDPI   = 144
	maxPoints    = 1000
)

// curveColors are blue and orange of Okabe and Ito's palette, which people of any colour vision tell apart.
var curveColors = [...]color.NRGBA{{0, 114, 178, 255}, {230, 159, 0, 255}}

// Picture draws panels over steps as a PNG, one below the other on the same axis of steps.
func Picture(steps []int, panels []Panel) ([]byte, error) {
	rows := make([][]*plot.Plot, len(panels))
	for i, p := range panels {
		drawn, err := p.plot(steps)
		if err != nil {
			return nil, err
		}
		rows[i] = []*plot.Plot{drawn}
	}
	rows[len(rows)-1][0].X.Label.Text = "step"
	img := vgimg.NewWith(vgimg.UseWH(pictureWidth, vg.Length(len(rows))*panelHeight), vgimg.UseDPI(pictureDPI))
	page := draw.Crop(draw.New(img), 0.1*vg.Inch, -0.2*vg.Inch, 0.1*vg.Inch, -0.1*vg.Inch)
	tiles := draw.Tiles{Rows: len(rows), Cols: 1, PadY: 0.15 * vg.Inch}
	for i, row := range plot.Align(rows, tiles, page) {
		rows[i][0].Draw(row[0])
	}
	var b bytes.Buffer
	_, err := vgimg.PngCanvas{Canvas: img}.WriteTo(&b)
	return b.Bytes(), err
}

func (p *Panel) plot(steps []int) (*plot.Plot, error) {
	drawn := plot.New()
	drawn.Title.Text = p.Title
	drawn.Add(plotter.NewGrid())
	drawn.Legend.Top, drawn.Legend.Left = true, true
	drawn.Legend.YOffs, drawn.Legend.Padding = vg.Points(-4), vg.Points(2)
	lines := make([]plot.Plotter, len(p.Curves))
	for i, c := range p.Curves {
		line, err := plotter.NewLine(points(steps, c.Y))
		if err != nil {
			return nil, err
		}
		line.Color, line.Width = curveColors[i], vg.Points(1.5)
		lines[len(lines)-1-i] = line // the first on top
		drawn.Legend.Add(c.Name, line)
	}
	drawn.Add(lines...)
	low, top := p.bounds()
	room := 0.05 * (top - low)
	if room == 0 {
		room = 0.05
	}
	drawn.Y.Min, drawn.Y.Max = low-room, top+room
	return drawn, nil
}

// points averages a curve of more points than a picture can show.
func points(steps []int, y []float64) plotter.XYs {
	x := columns(floats(steps), maxPoints)
	y = columns(y, maxPoints)
	xys := make(plotter.XYs, len(y))
	for i := range xys {
		xys[i] = plotter.XY{X: x[i], Y: y[i]}
	}
	return xys
}
