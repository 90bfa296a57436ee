package mask

import "slices"

// counter counts visible pairs; it keeps its scratch.
type counter struct {
	upTo []int32 // keys that can be seen, by level: how many lie at or below it
	rank []int32 // by index: how many of them stand at it or before
	tile Tiles
}

const countTile = 64

// count is how many pairs of a row are visible, and how many of those look ahead (key after query).
func (c *counter) count(m *Mask, row int) (visible, ahead int) {
	if m.Tag == nil && c.index(m, row) {
		return c.countOrdered(m, row)
	}
	c.tile.Set(m, row, countTile, countTile)
	for q := range c.tile.q {
		for k := range c.tile.k {
			if c.tile.At(q, k) != Unseen {
				v, a := m.countTile(row, q*countTile, k*countTile)
				visible, ahead = visible+v, ahead+a
			}
		}
	}
	return visible, ahead
}

// index prepares countOrdered. It works where bounds are finite and levels never fall from one key to the next and
// stay in [0, T), as those of every structure do: then what a query sees is, slots and padding aside, one run of
// keys.
func (c *counter) index(m *Mask, row int) bool {
	c.upTo, c.rank = grow(c.upTo, m.T), grow(c.rank, m.T)
	clear(c.upTo)
	if slices.Contains(m.Hi[row*m.T:(row+1)*m.T], Inf) { // it may see slots and padding
		return false
	}
	last, n := int32(0), int32(0)
	for j, pos := range m.Pos[row*m.T : (row+1)*m.T] {
		if pos != Inf {
			if pos < last || int(pos) >= m.T {
				return false
			}
			last = pos
			c.upTo[pos]++
			n++
		}
		c.rank[j] = n
	}
	for v := 1; v < m.T; v++ {
		c.upTo[v] += c.upTo[v-1]
	}
	return true
}

// countOrdered is O(T): keys in levels lo … hi have ranks below(lo) … upTo(hi)−1.
func (c *counter) countOrdered(m *Mask, row int) (visible, ahead int) {
	for i := range m.T {
		n := row*m.T + i
		from, to := c.at(m.Lo[n]-1), c.at(m.Hi[n])
		visible += int(max(0, to-from))
		ahead += int(max(0, to-max(from, c.rank[i])))
	}
	return visible, ahead
}

// at is how many keys lie at a level or below.
func (c *counter) at(level int32) int32 {
	if level < 0 {
		return 0
	}
	return c.upTo[min(int(level), len(c.upTo)-1)]
}

func (m *Mask) countTile(row, i0, j0 int) (visible, ahead int) {
	for i := i0; i < min(i0+countTile, m.T); i++ {
		for j := j0; j < min(j0+countTile, m.T); j++ {
			if m.Visible(row, i, j) {
				visible++
				if j > i {
					ahead++
				}
			}
		}
	}
	return visible, ahead
}
