package cpu

import (
	"math"

	"dmtrain/internal/kernels"
	"dmtrain/internal/rng"
)

// Bernoulli draws hidden tokens.
func (b *Backend) Bernoulli(a kernels.Bernoulli) {
	n := a.B * a.T
	t := bernoulliTask{hidden: u8(a.Hidden, n), rate: f32(a.Rate, n), draw: readDraw(a.Draw), t: a.T}
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
	t := maskedFillTask{y: f32(a.Y, n), x: f32(a.X, n), hidden: u8(a.Hidden, a.Rows), value: optF32(a.Value, a.Cols), cols: a.Cols}
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
		prim: &b.prim, dx: f32(a.DX, n), dy: f32(a.DY, n), hidden: u8(a.Hidden, a.Rows), value: optF32(a.DValue, a.Cols),
		rows: a.Rows, cols: a.Cols,
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

// An attention tile is tileQ queries by tileS keys.
const (
	tileQ = 64
	tileS = 64
)

// extent is the smallest and the largest of some integers.
type extent struct{ min, max int32 }

func extentOf(v []int32) extent {
	e := extent{math.MaxInt32, math.MinInt32}
	for _, x := range v {
		e.min, e.max = min(e.min, x), max(e.max, x)
	}
	return e
}

// The tables hold three extents a tile: of lo, hi and tag for queries, of pos, a and b for keys, and for keys the largest
// open level. Without a second interval tag is 0 and [a, b] everything.
const (
	queryTileLen = 6
	keyTileLen   = 7
)

type (
	queryTile struct{ lo, hi, tag extent }
	keyTile   struct {
		pos, a, b extent
		open      int32 // the largest pos that is not closed: slots and padding must not make a tile reach to the top
	}
)

// closed as a key's level hides it from every query with a finite bound.
const closed = math.MaxInt32

// openMax is the largest level that is not closed.
func openMax(pos []int32) int32 {
	top := int32(math.MinInt32)
	for _, p := range pos {
		if p < closed {
			top = max(top, p)
		}
	}
	return top
}

// hides reports that no query of q sees any key of k.
func hides(q queryTile, k keyTile) bool {
	top := k.open
	if q.hi.max == closed {
		top = k.pos.max
	}
	return q.hi.max < k.pos.min || q.lo.min > top || q.tag.max < k.a.min || q.tag.min > k.b.max
}

// shows reports that every query of q sees all keys of k.
func shows(q queryTile, k keyTile) bool {
	return q.lo.max <= k.pos.min && k.pos.max <= q.hi.min && k.a.max <= q.tag.min && q.tag.max <= k.b.min
}

// MaskTablesLen is what each tile of queries, then each tile of keys needs, for each batch row.
func (b *Backend) MaskTablesLen(batch, t, s int) int { return batch * tablesLen(t, s) }

func tablesLen(t, s int) int { return pieces(t, tileQ)*queryTileLen + pieces(s, tileS)*keyTileLen }

// PrepareMask fills the tables.
func (b *Backend) PrepareMask(m kernels.Mask) {
	launch(b, &b.tasks.prepareMask, prepareMaskTask{b.mask(m)}, m.Batch)
}

// mask is the contract's mask as slices.
func (b *Backend) mask(m kernels.Mask) mask {
	v := mask{
		t: m.T, s: m.S, pos: i32(m.Pos, m.Batch*m.S), lo: i32(m.Lo, m.Batch*m.T), hi: i32(m.Hi, m.Batch*m.T),
		tables: i32(m.Tables, b.MaskTablesLen(m.Batch, m.T, m.S)),
	}
	if m.Tag != nil {
		v.tag, v.a, v.b = i32(m.Tag, m.Batch*m.T), i32(m.A, m.Batch*m.S), i32(m.B, m.Batch*m.S)
	}
	return v
}

type mask struct {
	t, s        int
	pos, lo, hi []int32
	tag, a, b   []int32
	tables      []int32
}

// row is batch row r's part.
func (m *mask) row(r int) mask {
	v := mask{t: m.t, s: m.s, pos: m.pos[r*m.s:][:m.s], lo: m.lo[r*m.t:][:m.t], hi: m.hi[r*m.t:][:m.t]}
	if m.tag != nil {
		v.tag, v.a, v.b = m.tag[r*m.t:][:m.t], m.a[r*m.s:][:m.s], m.b[r*m.s:][:m.s]
	}
	n := tablesLen(m.t, m.s)
	v.tables = m.tables[r*n:][:n]
	return v
}

func (m *mask) queryTile(tile int) queryTile {
	v := m.tables[tile*queryTileLen:][:queryTileLen]
	return queryTile{extent{v[0], v[1]}, extent{v[2], v[3]}, extent{v[4], v[5]}}
}

func (m *mask) keyTile(tile int) keyTile {
	v := m.tables[pieces(m.t, tileQ)*queryTileLen+tile*keyTileLen:][:keyTileLen]
	return keyTile{extent{v[0], v[1]}, extent{v[2], v[3]}, extent{v[4], v[5]}, v[6]}
}

type prepareMaskTask struct{ mask mask }

func (t *prepareMaskTask) run(_ *worker, item int) {
	m := t.mask.row(item)
	out := m.tables
	put := func(e extent) {
		out[0], out[1] = e.min, e.max
		out = out[2:]
	}
	for tile := range pieces(m.t, tileQ) {
		i0, i1 := span(tile, tileQ, m.t)
		put(extentOf(m.lo[i0:i1]))
		put(extentOf(m.hi[i0:i1]))
		if m.tag == nil {
			put(extent{0, 0})
		} else {
			put(extentOf(m.tag[i0:i1]))
		}
	}
	for tile := range pieces(m.s, tileS) {
		j0, j1 := span(tile, tileS, m.s)
		put(extentOf(m.pos[j0:j1]))
		if m.tag == nil {
			put(extent{math.MinInt32, math.MinInt32})
			put(extent{math.MaxInt32, math.MaxInt32})
		} else {
			put(extentOf(m.a[j0:j1]))
			put(extentOf(m.b[j0:j1]))
		}
		out[0] = openMax(m.pos[j0:j1])
		out = out[1:]
	}
}
