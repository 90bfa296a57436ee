package cpu

import (
	"math"

	"dmtrain/internal/kernels"
)

// An attention tile is tileQ queries by tileS keys. Where some of its pairs are hidden it is looked at more closely: in
// groups of queries, each of which meets only the run of keys it may see.
const (
	tileQ = 64
	tileS = 64
	group = 16 // queries, and the unit in which a run of keys is cut
)

// extent is the smallest and the largest of some integers.
type extent struct{ min, max int32 }

// nothing is the extent of no integers.
func nothing() extent { return extent{math.MaxInt32, math.MinInt32} }

func (e *extent) add(x int32) { e.min, e.max = min(e.min, x), max(e.max, x) }

func extentOf(v []int32) extent {
	e := nothing()
	for _, x := range v {
		e.add(x)
	}
	return e
}

// queryExtents and keyExtents are what decides whether some queries see some keys. Without a second interval tag is
// 0 and [a, b] everything. Keys at the highest level, slots and padding, which only a query without upper bound
// sees, count apart: they would make every tile reach up to it, and nothing would be hidden for lying before lo.
type (
	queryExtents struct{ lo, hi, tag extent }
	keyExtents   struct {
		pos, a, b extent
		closed    bool // some key is at the highest level
	}
)

// extentsLen is either in int32.
const extentsLen = 7

// highest is the level of slots and padding.
const highest = math.MaxInt32

// hides reports that no query of q sees any key of k.
func hides(q queryExtents, k keyExtents) bool {
	if k.closed && q.hi.max == highest {
		return false
	}
	return q.hi.max < k.pos.min || q.lo.min > k.pos.max || q.tag.max < k.a.min || q.tag.min > k.b.max
}

// shows reports that every query of q sees all keys of k.
func shows(q queryExtents, k keyExtents) bool {
	return !k.closed && q.lo.max <= k.pos.min && k.pos.max <= q.hi.min && k.a.max <= q.tag.min && q.tag.max <= k.b.min
}

// mask is the contract's mask as slices. Its tables hold, for each batch row, the extents of tiles of queries,
// tiles of keys, groups of queries and groups of keys.
type mask struct {
	t, s        int
	pos, lo, hi []int32
	tag, a, b   []int32
	tables      []int32
}

func tablesLen(t, s int) int {
	return (pieces(t, tileQ) + pieces(s, tileS) + pieces(t, group) + pieces(s, group)) * extentsLen
}

// MaskTablesLen is how much the extents take.
func (b *Backend) MaskTablesLen(batch, t, s int) int { return batch * tablesLen(t, s) }

// PrepareMask fills the tables.
func (b *Backend) PrepareMask(m kernels.Mask) {
	launch(b, &b.tasks.prepareMask, prepareMaskTask{b.mask(m)}, m.Batch)
}

func (b *Backend) mask(m kernels.Mask) mask {
	v := mask{
		t:      m.T,
		s:      m.S,
		pos:    i32(m.Pos, m.Batch*m.S),
		lo:     i32(m.Lo, m.Batch*m.T),
		hi:     i32(m.Hi, m.Batch*m.T),
		tables: i32(m.Tables, b.MaskTablesLen(m.Batch, m.T, m.S)),
	}
	if m.Tag != nil {
		v.tag, v.a, v.b = i32(m.Tag, m.Batch*m.T), i32(m.A, m.Batch*m.S), i32(m.B, m.Batch*m.S)
	}
	return v
}

// row is batch row r's part.
func (m *mask) row(r int) mask {
	v := mask{
		t:   m.t,
		s:   m.s,
		pos: m.pos[r*m.s:][:m.s],
		lo:  m.lo[r*m.t:][:m.t],
		hi:  m.hi[r*m.t:][:m.t],
	}
	if m.tag != nil {
		v.tag, v.a, v.b = m.tag[r*m.t:][:m.t], m.a[r*m.s:][:m.s], m.b[r*m.s:][:m.s]
	}
	n := tablesLen(m.t, m.s)
	v.tables = m.tables[r*n:][:n]
	return v
}

func (m *mask) queryTile(i int) queryExtents { return m.queries(i) }
func (m *mask) keyTile(j int) keyExtents     { return m.keys(pieces(m.t, tileQ) + j) }

func (m *mask) queryGroup(i int) queryExtents {
	return m.queries(pieces(m.t, tileQ) + pieces(m.s, tileS) + i)
}

func (m *mask) keyGroup(j int) keyExtents {
	return m.keys(pieces(m.t, tileQ) + pieces(m.s, tileS) + pieces(m.t, group) + j)
}

func (m *mask) queries(at int) queryExtents {
	v := m.tables[at*extentsLen:][:extentsLen]
	return queryExtents{extent{v[0], v[1]}, extent{v[2], v[3]}, extent{v[4], v[5]}}
}

func (m *mask) keys(at int) keyExtents {
	v := m.tables[at*extentsLen:][:extentsLen]
	return keyExtents{extent{v[0], v[1]}, extent{v[2], v[3]}, extent{v[4], v[5]}, v[6] != 0}
}

type prepareMaskTask struct{ mask mask }

func (t *prepareMaskTask) run(_ *worker, item int) {
	m := t.mask.row(item)
	out := extentWriter(m.tables)
	out.queries(&m, tileQ)
	out.keys(&m, tileS)
	out.queries(&m, group)
	out.keys(&m, group)
}

// extentWriter is the part of the tables that is still to be written.
type extentWriter []int32

func (w *extentWriter) put(x, y, z extent, closed int32) {
	copy(*w, []int32{x.min, x.max, y.min, y.max, z.min, z.max, closed})
	*w = (*w)[extentsLen:]
}

func (w *extentWriter) queries(m *mask, size int) {
	for i := range pieces(m.t, size) {
		from, to := span(i, size, m.t)
		tag := extent{0, 0}
		if m.tag != nil {
			tag = extentOf(m.tag[from:to])
		}
		w.put(extentOf(m.lo[from:to]), extentOf(m.hi[from:to]), tag, 0)
	}
}

func (w *extentWriter) keys(m *mask, size int) {
	for j := range pieces(m.s, size) {
		from, to := span(j, size, m.s)
		pos, a, b, closed := nothing(), nothing(), nothing(), int32(0)
		if m.tag == nil {
			a, b = extent{math.MinInt32, math.MinInt32}, extent{math.MaxInt32, math.MaxInt32}
		}
		for k := from; k < to; k++ {
			if m.pos[k] == highest {
				closed = 1
				continue
			}
			pos.add(m.pos[k])
			if m.tag != nil {
				a.add(m.a[k])
				b.add(m.b[k])
			}
		}
		w.put(pos, a, b, closed)
	}
}

// block is a piece of a tile: n queries from i on, and the keys from j on to end, all counted within the tile.
type block struct {
	i, n, j, end int
	full         bool // nothing in it is hidden
}

func (b block) keys() int { return b.end - b.j }

// blocks are the pieces of a tile in which something is visible: the whole of it, or one for each group of queries
// or few of them.
type blocks struct {
	list  [tileQ / group]block
	count int
}

func (b *blocks) all() []block { return b.list[:b.count] }

// find cuts the tile of queries and the tile of keys into blocks.
func (b *blocks) find(m *mask, queryTile, keyTile int) {
	b.count = 0
	q, k := m.queryTile(queryTile), m.keyTile(keyTile)
	if hides(q, k) {
		return
	}
	i0, i1 := span(queryTile, tileQ, m.t)
	j0, j1 := span(keyTile, tileS, m.s)
	if shows(q, k) {
		b.add(block{0, i1 - i0, 0, j1 - j0, true})
		return
	}
	for i := i0; i < i1; i += group {
		q := m.queryGroup(i / group)
		found := block{
			i:    i - i0,
			n:    min(group, i1-i),
			j:    j1 - j0,
			full: true,
		}
		for j := j0; j < j1; j += group {
			k := m.keyGroup(j / group)
			if hides(q, k) {
				continue
			}
			found.full = found.full && shows(q, k) && (found.end == 0 || found.end == j-j0)
			found.j, found.end = min(found.j, j-j0), min(j+group, j1)-j0
		}
		if found.end > 0 {
			b.add(found)
		}
	}
}

// add appends a group's block, or widens the last one by it where that makes few more pairs: wide blocks go faster.
func (b *blocks) add(found block) {
	if b.count > 0 {
		last := &b.list[b.count-1]
		both := last.join(found)
		if last.i+last.n == found.i && wideFactor*both.pairs() <= (wideFactor+1)*(last.pairs()+found.pairs()) {
			*last = both
			return
		}
	}
	b.list[b.count] = found
	b.count++
}

// wideFactor: a join may add one pair to so many.
const wideFactor = 8

func (b block) pairs() int { return b.n * b.keys() }

// join is the smallest block around two neighbours.
func (b block) join(c block) block {
	return block{
		i:    b.i,
		n:    b.n + c.n,
		j:    min(b.j, c.j),
		end:  max(b.end, c.end),
		full: b.full && c.full && b.j == c.j && b.end == c.end,
	}
}
