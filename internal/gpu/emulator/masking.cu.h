// Hidden tokens: drawing them, filling them, and the tile bounds by which attention skips what a mask hides.
#include "columns.cuh"
#include "mask.cuh"

namespace masking_cu {

const int THREADS = 256, WARPS = THREADS / 32;

// A warp takes a row.
template <class T> __device__ __forceinline__ void masked_fill(
	T *y, const T *x, const unsigned char *hidden, const T *value, int rows, int cols, int vectors) {
	const int W = Packet<T>::width;
	int row = blockIdx.x * WARPS + threadIdx.x / 32;
	if (row >= rows) return;
	long long at = (long long)row * cols;
	bool hide = hidden[row] != 0;
	for (int c = threadIdx.x % 32 * W; c < cols; c += 32 * W) {
		float v[W] = {};
		if (!hide) load_packet(v, x + at + c, clip(cols - c), vectors);
		else if (value) load_packet(v, value + c, clip(cols - c), vectors);
		store_packet(y + at + c, v, clip(cols - c), vectors);
	}
}

__device__ __forceinline__ int warp_min(int v) {
#pragma unroll
	for (int m = 16; m; m /= 2) v = min(v, __shfl_xor_sync(ALL_LANES, v, m));
	return v;
}

__device__ __forceinline__ int warp_max(int v) {
#pragma unroll
	for (int m = 16; m; m /= 2) v = max(v, __shfl_xor_sync(ALL_LANES, v, m));
	return v;
}

// The least and the greatest of some integers, of which every lane of a warp has seen a part.
struct Extent {
	int least = HIGHEST, most = LOWEST;

	__device__ __forceinline__ void add(int v) { least = min(least, v), most = max(most, v); }

	// The warp's, to out[0] and out[1].
	__device__ __forceinline__ void store(int *out) const {
		int low = warp_min(least), high = warp_max(most);
		if (threadIdx.x % 32 == 0) out[0] = low, out[1] = high;
	}
};

// Element i of a vector; an absent one is 0 everywhere.
__device__ __forceinline__ int element(const int *v, int i) { return v ? v[i] : 0; }

__device__ __forceinline__ void query_extents(int *out, const int *lo, const int *hi, const int *tag, int from, int to) {
	Extent l, h, g;
	for (int i = from + threadIdx.x % 32; i < to; i += 32) l.add(lo[i]), h.add(hi[i]), g.add(element(tag, i));
	l.store(out), h.store(out + 2), g.store(out + 4);
	if (threadIdx.x % 32 == 0) out[6] = 0;
}

__device__ __forceinline__ void key_extents(int *out, const int *pos, const int *a, const int *b, int from, int to) {
	Extent p, x, y;
	int closed = 0;
	for (int i = from + threadIdx.x % 32; i < to; i += 32) {
		if (pos[i] == HIGHEST) closed = 1;
		else p.add(pos[i]), x.add(element(a, i)), y.add(element(b, i));
	}
	closed = warp_max(closed);
	p.store(out), x.store(out + 2), y.store(out + 4);
	if (threadIdx.x % 32 == 0) out[6] = closed;
}

} // namespace masking_cu
using namespace masking_cu;

// A thread takes four positions, which share a block of draws.
KERNEL(THREADS, bernoulli, unsigned char *hidden, const float *rate, const int *draw_words, unsigned purpose, int batch, int t) {
	int quads = (t + 3) / 4, i = blockIdx.x * THREADS + threadIdx.x;
	if (i >= batch * quads) return;
	int row = i / quads, quad = i % quads;
	Draw draw = read_draw(draw_words);
	uint4 draws = philox(draw, purpose, draw.first + (unsigned)row, (unsigned)quad);
	for (int k = 0; k < 4; k++) {
		int at = row * t + 4 * quad + k;
		if (4 * quad + k < t) hidden[at] = unit(word(draws, k)) < rate[at];
	}
}

// A warp takes a tile: the first of each batch row are of queries, the others of keys.
KERNEL(THREADS, prepare_mask, int *tables, const int *pos, const int *lo, const int *hi, const int *tag, const int *a, const int *b, int batch,
	int t, int s) {
	int query_tiles = tiles(t), row_tiles = query_tiles + tiles(s), w = blockIdx.x * WARPS + threadIdx.x / 32;
	if (w >= batch * row_tiles) return;
	int row = w / row_tiles, tile = w % row_tiles;
	int *out = tables + (long long)w * TABLE_ENTRY;
	if (tile < query_tiles) {
		int from = row * t + tile * TILE, to = min(from + TILE, (row + 1) * t);
		query_extents(out, lo, hi, tag, from, to);
	} else {
		int from = row * s + (tile - query_tiles) * TILE, to = min(from + TILE, (row + 1) * s);
		key_extents(out, pos, a, b, from, to);
	}
}

#define MASKING(suffix, T) \
	KERNEL(THREADS, masked_fill_##suffix, T *y, const T *x, const unsigned char *hidden, const T *value, int rows, int cols, int vectors) { \
		masked_fill(y, x, hidden, value, rows, cols, vectors); \
	} \
	KERNEL(COLUMN_THREADS, masked_fill_value_##suffix, float *partial, const T *dy, const unsigned char *hidden, int rows, int cols) { \
		column_sums<1>(partial, rows, cols, [=](int row, int col, float(&v)[1]) { \
			v[0] = hidden[row] ? widen(dy[(long long)row * cols + col]) : 0.0f; \
		}); \
	}

MASKING(f32, float)
MASKING(bf16, bf16)
