package mask

import (
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"io"

	"dmtrain/internal/batch"
)

// The colours (Okabe and Ito's palette, which colour-blind people can tell apart).
var (
	cellColors = [cellLeak + 1]color.NRGBA{
		cellUnseen: {0xf4, 0xf4, 0xf2, 0xff},
		cellSeen:   {0x00, 0x72, 0xb2, 0xff}, // blue
		cellAhead:  {0xe6, 0x9f, 0x00, 0xff}, // orange
		cellFilled: {0xa9, 0xd5, 0xf0, 0xff}, // pale blue
		cellAnswer: {0x00, 0x9e, 0x73, 0xff}, // green
		cellLeak:   {0xd4, 0x00, 0x2a, 0xff}, // red
	}
	kindColors = [kindSlot + 1]color.NRGBA{
		kindPadding: {0xff, 0xff, 0xff, 0xff},
		kindPlain:   {0xc8, 0xc8, 0xc8, 0xff},
		kindCausal:  {0x00, 0x72, 0xb2, 0xff},
		kindHidden:  {0xa9, 0xd5, 0xf0, 0xff},
		kindSlot:    {0xe6, 0x9f, 0x00, 0xff},
	}
	lineColor = color.NRGBA{0x33, 0x33, 0x33, 0xff}
)

const pngSide = 1024 // pixels a picture of many positions measures at most

// PNG draws a row of p: queries downwards, keys to the right, and along the upper and left margin what each
// position is. Visible is blue, ahead orange, visible but hidden pale blue, the answer green, a visible answer red;
// in the margin a causal position is blue, a hidden one pale blue, a slot orange, one without loss grey. Documents
// are parted by dark lines.
func (p *Plan) PNG(w io.Writer, b int, rows *batch.Batch) error {
	size := blocks(p.T, pngSide) // positions a square
	n := (p.T + size - 1) / size
	d := drawing{
		p:     p,
		rows:  rows,
		b:     b,
		size:  size,
		scale: max(1, min(24, pngSide/n)),
	}
	d.margin = d.scale + max(2, d.scale/3)
	side := d.margin + n*d.scale
	d.img = image.NewNRGBA(image.Rect(0, 0, side, side))
	draw.Draw(d.img, d.img.Bounds(), image.White, image.Point{}, draw.Src)
	for q := range n {
		d.kind(q)
		for k := range n {
			d.fill(d.margin+k*d.scale, d.margin+q*d.scale, d.blend(q, k))
		}
	}
	d.bounds()
	return png.Encode(w, d.img)
}

// drawing is one picture in the making.
type drawing struct {
	p      *Plan
	rows   *batch.Batch
	b      int
	size   int // positions a square stands for
	scale  int // pixels a square
	margin int
	img    *image.NRGBA
}

// fill paints a square, leaving a light grid between squares that are large enough.
func (d *drawing) fill(x, y int, c color.NRGBA) {
	s := d.scale
	if s >= 6 {
		s--
	}
	draw.Draw(d.img, image.Rect(x, y, x+s, y+s), &image.Uniform{C: c}, image.Point{}, draw.Src)
}

// kind paints what the positions of square q are, as a query on the left and as a key above.
func (d *drawing) kind(q int) {
	var m mixer
	for t := q * d.size; t < min((q+1)*d.size, d.p.T); t++ {
		m.add(kindColors[d.p.kind(d.rows, d.b, t)])
	}
	at := d.margin + q*d.scale
	d.fill(0, at, m.mean())
	d.fill(at, 0, m.mean())
}

// blend is the mean colour of a square's pairs. An answer in plain sight is never averaged away.
func (d *drawing) blend(q, k int) color.NRGBA {
	var m mixer
	for i := q * d.size; i < min((q+1)*d.size, d.p.T); i++ {
		for j := k * d.size; j < min((k+1)*d.size, d.p.T); j++ {
			c := d.p.cell(d.b, i, j)
			if c == cellLeak {
				return cellColors[cellLeak]
			}
			if d.padding(i) || d.padding(j) {
				m.add(kindColors[kindPadding])
				continue
			}
			m.add(cellColors[c])
		}
	}
	return m.mean()
}

func (d *drawing) padding(t int) bool { return d.rows.Start[d.b*d.p.T+t] < 0 }

// bounds draws a line wherever a document ends.
func (d *drawing) bounds() {
	side := d.img.Bounds().Dx()
	wide := max(1, d.scale/8)
	for t := 1; t < d.p.T; t++ {
		if !boundary(d.rows, d.b, t) {
			continue
		}
		at := d.margin + t*d.scale/d.size - (wide+1)/2
		line := &image.Uniform{C: lineColor}
		draw.Draw(d.img, image.Rect(at, 0, at+wide, side), line, image.Point{}, draw.Src)
		draw.Draw(d.img, image.Rect(0, at, side, at+wide), line, image.Point{}, draw.Src)
	}
}

// mixer averages colours.
type mixer struct{ r, g, b, n int }

func (m *mixer) add(c color.NRGBA) {
	m.r, m.g, m.b, m.n = m.r+int(c.R), m.g+int(c.G), m.b+int(c.B), m.n+1
}

func (m *mixer) mean() color.NRGBA {
	if m.n == 0 {
		return color.NRGBA{0xff, 0xff, 0xff, 0xff}
	}
	return color.NRGBA{uint8(m.r / m.n), uint8(m.g / m.n), uint8(m.b / m.n), 0xff}
}
