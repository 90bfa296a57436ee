package mask

import "math"

// Coverage is what bounds say of a tile: some queries by some keys.
type Coverage uint8

const (
	Unseen Coverage = iota // no query sees any key: the tile is skipped
	Mixed                  // each pair must be tested
	Seen                   // every query sees every key: no pair is tested
)

// Tiles holds the bounds of one row's tiles, as attention kernels do.
type Tiles struct {
	q []queryBounds
	k []keyBounds
}

type queryBounds struct{ minLo, maxLo, minHi, maxHi, minTag, maxTag int32 }

// keyBounds are over keys that a query with hi < Inf can see at all. Slots and padding (pos = Inf) would otherwise make
// every tile's levels reach to Inf, and nothing would be skipped for lying before lo.
type keyBounds struct {
	minPos, maxPos, minA, maxA, minB, maxB int32
	closed                                 bool // some key has pos = Inf
}

// Set computes the bounds of a row, in tiles of tileQ queries by tileS keys. It allocates only to grow.
func (t *Tiles) Set(m *Mask, row, tileQ, tileS int) {
	t.q, t.k = t.q[:0], t.k[:0]
	end := (row + 1) * m.T
	for n := row * m.T; n < end; n += tileQ {
		t.q = append(t.q, m.queryBounds(n, min(n+tileQ, end)))
	}
	for n := row * m.T; n < end; n += tileS {
		t.k = append(t.k, m.keyBounds(n, min(n+tileS, end)))
	}
}

func (m *Mask) queryBounds(from, to int) queryBounds {
	q := queryBounds{
		minLo: math.MaxInt32,
		maxLo: math.MinInt32,
		minHi: math.MaxInt32,
		maxHi: math.MinInt32,
	}
	for n := from; n < to; n++ {
		q.minLo, q.maxLo = min(q.minLo, m.Lo[n]), max(q.maxLo, m.Lo[n])
		q.minHi, q.maxHi = min(q.minHi, m.Hi[n]), max(q.maxHi, m.Hi[n])
	}
	if m.Tag == nil {
		return q
	}
	q.minTag, q.maxTag = math.MaxInt32, math.MinInt32
	for _, tag := range m.Tag[from:to] {
		q.minTag, q.maxTag = min(q.minTag, tag), max(q.maxTag, tag)
	}
	return q
}

func (m *Mask) keyBounds(from, to int) keyBounds {
	k := keyBounds{
		minPos: math.MaxInt32,
		maxPos: math.MinInt32,
		minB:   math.MaxInt32,
		maxB:   math.MaxInt32,
	}
	if m.Tag == nil {
		k.minA, k.maxA = math.MinInt32, math.MinInt32
	} else {
		k.minA, k.maxA, k.maxB = math.MaxInt32, math.MinInt32, math.MinInt32
	}
	for n := from; n < to; n++ {
		if m.Pos[n] == Inf {
			k.closed = true
			continue
		}
		k.minPos, k.maxPos = min(k.minPos, m.Pos[n]), max(k.maxPos, m.Pos[n])
		if m.Tag != nil {
			k.minA, k.maxA = min(k.minA, m.A[n]), max(k.maxA, m.A[n])
			k.minB, k.maxB = min(k.minB, m.B[n]), max(k.maxB, m.B[n])
		}
	}
	return k
}

// At is the coverage of query tile q by key tile k, judged by their bounds alone. Unseen and Seen are certain;
// Mixed may be anything.
func (t *Tiles) At(q, k int) Coverage {
	a, b := &t.q[q], &t.k[k]
	switch {
	case a.maxHi == Inf && b.closed:
		return Mixed
	case a.maxHi < b.minPos, a.minLo > b.maxPos, a.maxTag < b.minA, a.minTag > b.maxB:
		return Unseen
	case !b.closed && a.maxLo <= b.minPos && b.maxPos <= a.minHi && b.maxA <= a.minTag && a.maxTag <= b.minB:
		return Seen
	}
	return Mixed
}

// Computed is how many tiles attention cannot skip, of how many.
func (t *Tiles) Computed() (computed, total int) {
	for q := range t.q {
		for k := range t.k {
			if t.At(q, k) != Unseen {
				computed++
			}
		}
	}
	return computed, len(t.q) * len(t.k)
}
