// Interval masks as attention meets them: three integers a query, and bounds per tile by which whole tiles are decided.
#pragma once
#include "common.cuh"

// A tile is 64 queries or 64 keys, everywhere.
const int TILE = 64;

// What prepare_mask keeps of a tile: of queries the least and greatest lo, hi and tag; of keys those of pos, a and b, and whether some
// are closed. Closed keys, slots and padding, stand at the highest level, and only queries without upper bound see them: among the others
// they would make every tile reach up to it, and nothing would be hidden for lying before lo.
const int TABLE_ENTRY = 7;
const int HIGHEST = 0x7fffffff, LOWEST = -HIGHEST - 1;

__device__ __forceinline__ int tiles(int n) { return (n + TILE - 1) / TILE; }

// visible(i, j) ⇔ lo[i] ≤ pos[j] ≤ hi[i] ∧ (a[j] ≤ tag[i] ≤ b[j], where tag is given)
struct Mask {
	const int *pos, *lo, *hi, *tag, *a, *b, *tables;
	int t, s;
};

// The mask of one batch row.
__device__ __forceinline__ Mask mask_row(Mask m, int row) {
	m.pos += row * m.s, m.lo += row * m.t, m.hi += row * m.t;
	if (m.tag) m.tag += row * m.t, m.a += row * m.s, m.b += row * m.s;
	m.tables += (long long)row * (tiles(m.t) + tiles(m.s)) * TABLE_ENTRY;
	return m;
}

enum TilePair { HIDDEN, PARTIAL, VISIBLE };

__device__ __forceinline__ TilePair tile_pair(const Mask &m, int query_tile, int key_tile) {
	const int *q = m.tables + query_tile * TABLE_ENTRY, *k = m.tables + (tiles(m.t) + key_tile) * TABLE_ENTRY;
	int lo_min = q[0], lo_max = q[1], hi_min = q[2], hi_max = q[3], pos_min = k[0], pos_max = k[1];
	bool closed = k[6] != 0;
	if (closed && hi_max == HIGHEST) return PARTIAL;
	if (hi_max < pos_min || lo_min > pos_max) return HIDDEN;
	bool all = !closed && lo_max <= pos_min && pos_max <= hi_min;
	if (m.tag) {
		int tag_min = q[4], tag_max = q[5], a_min = k[2], a_max = k[3], b_min = k[4], b_max = k[5];
		if (tag_max < a_min || tag_min > b_max) return HIDDEN;
		all = all && a_max <= tag_min && tag_max <= b_min;
	}
	return all ? VISIBLE : PARTIAL;
}

// The first tile at or after `from` that is not all hidden; the number of tiles when there is none. A warp asks together, 32 tiles at
// a time.
__device__ __forceinline__ int next_key_tile(const Mask &m, int query_tile, int from) {
	int n = tiles(m.s), lane = threadIdx.x % 32;
	for (; from < n; from += 32) {
		int at = from + lane;
		unsigned shown = __ballot_sync(ALL_LANES, at < n && tile_pair(m, query_tile, at) != HIDDEN);
		if (shown) return from + __ffs((int)shown) - 1;
	}
	return n;
}

__device__ __forceinline__ int next_query_tile(const Mask &m, int key_tile, int from) {
	int n = tiles(m.t), lane = threadIdx.x % 32;
	for (; from < n; from += 32) {
		int at = from + lane;
		unsigned shown = __ballot_sync(ALL_LANES, at < n && tile_pair(m, at, key_tile) != HIDDEN);
		if (shown) return from + __ffs((int)shown) - 1;
	}
	return n;
}

// What a query and a key know of the mask. One past the end sees nothing and is seen by none.
struct QueryBounds {
	int lo, hi, tag;
	bool real;
};

struct KeyBounds {
	int pos, a, b;
	bool real;
};

__device__ __forceinline__ QueryBounds query_bounds(const Mask &m, int i) {
	if (i >= m.t) return {0, 0, 0, false};
	return {m.lo[i], m.hi[i], m.tag ? m.tag[i] : 0, true};
}

__device__ __forceinline__ KeyBounds key_bounds(const Mask &m, int j) {
	if (j >= m.s) return {0, 0, 0, false};
	return {m.pos[j], m.tag ? m.a[j] : 0, m.tag ? m.b[j] : 0, true};
}

__device__ __forceinline__ bool visible(const QueryBounds &q, const KeyBounds &k) {
	return q.real && k.real && q.lo <= k.pos && k.pos <= q.hi && k.a <= q.tag && q.tag <= k.b;
}

// Edges dropped at random: what an edge's weight is multiplied by, 0 or 1/(1 − rate).
struct EdgeDrop {
	Draw draw;
	unsigned purpose; // of this head
	float rate, keep;
};

__device__ __forceinline__ EdgeDrop edge_drop(const int *draw_words, float rate, unsigned purpose, int head) {
	if (rate == 0.0f) return {{0, 0, 0, 0}, 0, 0.0f, 1.0f};
	return {read_draw(draw_words), purpose | (unsigned)head << 20, rate, 1.0f / (1.0f - rate)};
}

// A query's line in the random streams.
__device__ __forceinline__ unsigned edge_line(const EdgeDrop &e, int row, int t, int i) {
	return (e.draw.first + (unsigned)row) * (unsigned)t + (unsigned)i;
}

__device__ __forceinline__ float edge_factor(const EdgeDrop &e, unsigned draw) { return unit(draw) < e.rate ? 0.0f : e.keep; }
