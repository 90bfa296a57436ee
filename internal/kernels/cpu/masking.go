package cpu

import (
	"dmtrain/internal/kernels"
	"dmtrain/internal/rng"
)

// Bernoulli draws hidden tokens.
func (b *Backend) Bernoulli(a kernels.Bernoulli) {
	n := a.B * a.T
	t := bernoulliTask{
		hidden: u8(a.Hidden, n),
		rate:   f32(a.Rate, n),
		draw:   readDraw(a.Draw),
		t:      a.T,
	}
	launch(b, &b.tasks.bernoulli, t, a.B)
}

type bernoulliTask struct {
	hidden []uint8
	rate   []float32
	draw   draw
	t      int
}

func (t *bernoulliTask) run(_ *worker, item int) {
	hidden, rate := t.hidden[item*t.t:(item+1)*t.t], t.rate[item*t.t:(item+1)*t.t]
	var words [4]uint32
	for j := range hidden {
		if j%4 == 0 {
			words = rng.Block(t.draw.seed, rng.Hide, t.draw.step, t.draw.first+uint32(item), uint32(j/4))
		}
		hidden[j] = 0
		if rng.Unit(words[j%4]) < rate[j] {
			hidden[j] = 1
		}
	}
}

// MaskedFill fills hidden rows.
func (b *Backend) MaskedFill(a kernels.MaskedFill) {
	n := a.Rows * a.Cols
	t := maskedFillTask{
		y:      f32(a.Y, n),
		x:      f32(a.X, n),
		hidden: u8(a.Hidden, a.Rows),
		value:  optF32(a.Value, a.Cols),
		cols:   a.Cols,
	}
	launch(b, &b.tasks.maskedFill, t, pieces(a.Rows, rowsPerItem(a.Cols)))
}

type maskedFillTask struct {
	y, x   []float32
	hidden []uint8
	value  []float32
	cols   int
}

func (t *maskedFillTask) run(_ *worker, item int) {
	i0, i1 := span(item, rowsPerItem(t.cols), len(t.hidden))
	for i := i0; i < i1; i++ {
		y := t.y[i*t.cols : (i+1)*t.cols]
		switch {
		case t.hidden[i] == 0:
			copy(y, t.x[i*t.cols:(i+1)*t.cols])
		case t.value == nil:
			clear(y)
		default:
			copy(y, t.value)
		}
	}
}

// MaskedFillBackward passes the gradient of shown rows on and adds that of hidden ones to DValue.
func (b *Backend) MaskedFillBackward(a kernels.MaskedFillBackward) {
	n := a.Rows * a.Cols
	t := maskedFillBackwardTask{
		prim:   &b.prim,
		dx:     f32(a.DX, n),
		dy:     f32(a.DY, n),
		hidden: u8(a.Hidden, a.Rows),
		value:  optF32(a.DValue, a.Cols),
		rows:   a.Rows,
		cols:   a.Cols,
	}
	launch(b, &b.tasks.maskedFillBackward, t, pieces(a.Cols, stripe))
}

type maskedFillBackwardTask struct {
	prim       *primitives
	dx, dy     []float32
	hidden     []uint8
	value      []float32
	rows, cols int
}

// run owns a stripe of columns: dx may be dy, so a hidden row is summed just before it is cleared.
func (t *maskedFillBackwardTask) run(_ *worker, item int) {
	j0, j1 := span(item, stripe, t.cols)
	for i := range t.rows {
		dx, dy := t.dx[i*t.cols+j0:i*t.cols+j1], t.dy[i*t.cols+j0:i*t.cols+j1]
		if t.hidden[i] == 0 {
			copy(dx, dy)
			continue
		}
		if t.value != nil {
			t.prim.add(t.value[j0:j1], t.value[j0:j1], dy)
		}
		clear(dx)
	}
}
