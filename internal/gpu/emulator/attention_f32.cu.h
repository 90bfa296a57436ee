// Attention in float32, forward and backward: the plain twin of attention_bf16.cu, for parity with the CPU.
//
// A block has 256 threads, 16 by 16. A tile of scores is 64 queries by 64 keys, 4 by 4 to a thread: thread (ty, tx) has
// queries 4·ty … and keys 4·tx …. Head widths are walked 32 columns at a time, so that the operands of one step lie in
// 16 KiB of shared memory. What a tile of scores is multiplied with to make an output (P·V, dS·K, …) goes the same way.
#include "mask.cuh"

namespace attention_f32_cu {

const int THREADS = 256, SLICE = 32;
const int TURNED = TILE + 4, STRAIGHT = SLICE + 4; // strides of a slice with rows innermost and with columns innermost

// A matrix of one head: row r starts at x + r·stride and has d columns.
struct Matrix {
	const float *x;
	long long stride;
};

struct Output {
	float *x;
	long long stride;
};

struct Shape {
	int t, s, d;
	float scale; // 1/√D
};

// Rows from … from+63, columns c … c+31, with zeros outside, rows innermost: to[column·TURNED + row].
__device__ __forceinline__ void load_turned(float *to, Matrix m, int from, int rows, int c, int d) {
#pragma unroll
	for (int i = 0; i < TILE * SLICE / THREADS; i++) {
		int at = threadIdx.x + i * THREADS, r = at / SLICE, col = at % SLICE;
		bool inside = from + r < rows && c + col < d;
		to[col * TURNED + r] = inside ? m.x[(from + r) * m.stride + c + col] : 0.0f;
	}
}

// The same with columns innermost.
__device__ __forceinline__ void load_straight(float *to, Matrix m, int from, int rows, int c, int d) {
#pragma unroll
	for (int i = 0; i < TILE * SLICE / THREADS; i++) {
		int at = threadIdx.x + i * THREADS, r = at / SLICE, col = at % SLICE;
		bool inside = from + r < rows && c + col < d;
		to[r * STRAIGHT + col] = inside ? m.x[(from + r) * m.stride + c + col] : 0.0f;
	}
}

// s[i][j] = x[4·ty+i] · y[4·tx+j], rows counted from x_from and y_from.
__device__ __forceinline__ void inner_products(float (&s)[4][4], float *xs, float *ys, Matrix x, int x_from, int x_rows, Matrix y, int y_from,
	int y_rows, int d) {
	int ty = threadIdx.x / 16 * 4, tx = threadIdx.x % 16 * 4;
#pragma unroll
	for (int i = 0; i < 4; i++)
#pragma unroll
		for (int j = 0; j < 4; j++) s[i][j] = 0.0f;
	for (int c = 0; c < d; c += SLICE) {
		load_turned(xs, x, x_from, x_rows, c, d);
		load_turned(ys, y, y_from, y_rows, c, d);
		__syncthreads();
#pragma unroll 8
		for (int k = 0; k < SLICE; k++) {
			float u[4], v[4];
			unpack(u, read16(xs + k * TURNED + ty));
			unpack(v, read16(ys + k * TURNED + tx));
#pragma unroll
			for (int i = 0; i < 4; i++)
#pragma unroll
				for (int j = 0; j < 4; j++) s[i][j] += u[i] * v[j];
		}
		__syncthreads();
	}
}

// Adds to a thread's 4 rows by 2 columns of every slice of an output the 64 rows of m from `from` on, weighted:
// out[slice][i][j] += Σ_r weights[r·TURNED + 4·ty+i] · m[from+r][32·slice + 2·tx+j]. The weights lie in shared memory.
template <int SLICES> __device__ __forceinline__ void add_weighted(
	float (&out)[SLICES][4][2], const float *weights, float *ms, Matrix m, int from, int rows, int d) {
	int ty = threadIdx.x / 16 * 4, tx = threadIdx.x % 16 * 2;
#pragma unroll
	for (int slice = 0; slice < SLICES; slice++) {
		if (slice * SLICE >= d) break;
		load_straight(ms, m, from, rows, slice * SLICE, d);
		__syncthreads();
#pragma unroll 4
		for (int r = 0; r < TILE; r++) {
			float w[4];
			unpack(w, read16(weights + r * TURNED + ty));
			float v0 = ms[r * STRAIGHT + tx], v1 = ms[r * STRAIGHT + tx + 1];
#pragma unroll
			for (int i = 0; i < 4; i++) {
				out[slice][i][0] += w[i] * v0;
				out[slice][i][1] += w[i] * v1;
			}
		}
		__syncthreads();
	}
}

// Writes what add_weighted has summed, row 4·ty+i times by[i].
template <int SLICES> __device__ __forceinline__ void write_rows(
	Output o, const float (&out)[SLICES][4][2], const float (&by)[4], int from, int rows, int d) {
	int ty = threadIdx.x / 16 * 4, tx = threadIdx.x % 16 * 2;
#pragma unroll
	for (int slice = 0; slice < SLICES; slice++)
#pragma unroll
		for (int i = 0; i < 4; i++)
#pragma unroll
			for (int j = 0; j < 2; j++) {
				int row = from + ty + i, col = slice * SLICE + tx + j;
				if (row < rows && col < d) o.x[row * o.stride + col] = out[slice][i][j] * by[i];
			}
}

// A thread's four queries and keys.
struct Pairs {
	QueryBounds q[4];
	KeyBounds k[4];
	bool all; // visible

	__device__ __forceinline__ bool operator()(int i, int j) const { return all ? q[i].real && k[j].real : visible(q[i], k[j]); }
};

__device__ __forceinline__ Pairs pairs(const Mask &m, int query_tile, int key_tile, TilePair kind) {
	Pairs p;
	int i0 = query_tile * TILE + threadIdx.x / 16 * 4, j0 = key_tile * TILE + threadIdx.x % 16 * 4;
	p.all = kind == VISIBLE;
#pragma unroll
	for (int i = 0; i < 4; i++) p.q[i] = query_bounds(m, i0 + i), p.k[i] = key_bounds(m, j0 + i);
	return p;
}

// What a thread's 4×4 edges are multiplied by.
__device__ __forceinline__ void edge_factors(float (&f)[4][4], const EdgeDrop &e, int row, int t, int query_tile, int key_tile) {
	int i0 = query_tile * TILE + threadIdx.x / 16 * 4, j0 = key_tile * TILE + threadIdx.x % 16 * 4;
#pragma unroll
	for (int i = 0; i < 4; i++) {
		uint4 draws = make_uint4(0, 0, 0, 0);
		if (e.rate > 0.0f) draws = philox(e.draw, e.purpose, edge_line(e, row, t, i0 + i), (unsigned)j0 / 4);
#pragma unroll
		for (int j = 0; j < 4; j++) f[i][j] = e.rate > 0.0f ? edge_factor(e, word(draws, j)) : 1.0f;
	}
}

// Over the 16 threads that share a row of scores, which are half a warp.
__device__ __forceinline__ float row_max(float v) {
#pragma unroll
	for (int m = 8; m; m /= 2) v = fmaxf(v, __shfl_xor_sync(ALL_LANES, v, m));
	return v;
}

__device__ __forceinline__ float row_sum(float v) {
#pragma unroll
	for (int m = 8; m; m /= 2) v += __shfl_xor_sync(ALL_LANES, v, m);
	return v;
}

// Writes a thread's 4×4 weights keys outermost: weights[key·TURNED + query].
__device__ __forceinline__ void store_by_key(float *weights, const float (&p)[4][4]) {
	int ty = threadIdx.x / 16 * 4, tx = threadIdx.x % 16 * 4;
#pragma unroll
	for (int j = 0; j < 4; j++) {
		const float column[4] = {p[0][j], p[1][j], p[2][j], p[3][j]};
		write16(weights + (tx + j) * TURNED + ty, repack(column));
	}
}

__device__ __forceinline__ void store_by_query(float *weights, const float (&p)[4][4]) {
	int ty = threadIdx.x / 16 * 4, tx = threadIdx.x % 16 * 4;
#pragma unroll
	for (int i = 0; i < 4; i++) write16(weights + (ty + i) * TURNED + tx, repack(p[i]));
}

// Online softmax (Milakov and Gimelshein 2018): the largest score so far, and the sums relative to it.
template <int SLICES> __device__ __forceinline__ void forward(
	Output out, float *lse, Matrix q, Matrix k, Matrix v, const Mask &m, const EdgeDrop &e, const Shape &z, int row) {
	SHARED(float, xs, SLICE * TURNED);
	SHARED(float, ys, TILE * STRAIGHT);
	SHARED(float, weights, TILE * TURNED);
	int query_tile = tiles(z.t) - 1 - blockIdx.x; // causal masks give later queries more work: they go first
	int q0 = query_tile * TILE, ty = threadIdx.x / 16 * 4;
	float acc[SLICES][4][2] = {}, largest[4], sum[4] = {};
#pragma unroll
	for (int i = 0; i < 4; i++) largest[i] = MINUS_INFINITY;
	for (int tile = next_key_tile(m, query_tile, 0); tile < tiles(z.s); tile = next_key_tile(m, query_tile, tile + 1)) {
		float s[4][4], f[4][4];
		inner_products(s, xs, ys, q, q0, z.t, k, tile * TILE, z.s, z.d);
		Pairs see = pairs(m, query_tile, tile, tile_pair(m, query_tile, tile));
		edge_factors(f, e, row, z.t, query_tile, tile);
#pragma unroll
		for (int i = 0; i < 4; i++) {
			float top = largest[i];
#pragma unroll
			for (int j = 0; j < 4; j++) {
				s[i][j] = see(i, j) ? s[i][j] * z.scale : MINUS_INFINITY;
				top = fmaxf(top, s[i][j]);
			}
			top = row_max(top);
			float base = top == MINUS_INFINITY ? 0.0f : top, shrink = expf(largest[i] - base), part = 0;
			largest[i] = top;
#pragma unroll
			for (int j = 0; j < 4; j++) {
				s[i][j] = see(i, j) ? expf(s[i][j] - base) : 0.0f;
				part += s[i][j];
				s[i][j] *= f[i][j];
			}
			sum[i] = sum[i] * shrink + row_sum(part);
#pragma unroll
			for (int slice = 0; slice < SLICES; slice++) acc[slice][i][0] *= shrink, acc[slice][i][1] *= shrink;
		}
		store_by_key(weights, s);
		add_weighted(acc, weights, ys, v, tile * TILE, z.s, z.d);
	}
	float by[4];
#pragma unroll
	for (int i = 0; i < 4; i++) {
		by[i] = sum[i] == 0.0f ? 0.0f : 1.0f / sum[i];
		if (threadIdx.x % 16 == 0 && q0 + ty + i < z.t) lse[q0 + ty + i] = sum[i] == 0.0f ? 0.0f : largest[i] + logf(sum[i]);
	}
	write_rows(out, acc, by, q0, z.t, z.d);
}

// A tile's weights p_ij = exp(s_ij − lse_i), times the edges' factors, and the gradients of its scores
// ds_ij = p_ij·(factor_ij·(dout_i·v_j) − delta_i).
__device__ __forceinline__ void score_gradients(float (&p)[4][4], float (&ds)[4][4], float *xs, float *ys, Matrix q, Matrix k, Matrix v,
	Matrix dout, const float *lse, const float *delta, const Mask &m, const EdgeDrop &e, const Shape &z, int row, int query_tile, int key_tile) {
	int i0 = query_tile * TILE + threadIdx.x / 16 * 4;
	float f[4][4];
	inner_products(p, xs, ys, q, query_tile * TILE, z.t, k, key_tile * TILE, z.s, z.d);
	inner_products(ds, xs, ys, dout, query_tile * TILE, z.t, v, key_tile * TILE, z.s, z.d);
	Pairs see = pairs(m, query_tile, key_tile, tile_pair(m, query_tile, key_tile));
	edge_factors(f, e, row, z.t, query_tile, key_tile);
#pragma unroll
	for (int i = 0; i < 4; i++) {
		bool real = i0 + i < z.t;
		float l = real ? lse[i0 + i] : 0.0f, d = real ? delta[i0 + i] : 0.0f;
#pragma unroll
		for (int j = 0; j < 4; j++) {
			if (!see(i, j)) {
				p[i][j] = ds[i][j] = 0.0f; // whatever the products are: they may be infinite
				continue;
			}
			float weight = expf(p[i][j] * z.scale - l);
			ds[i][j] = weight * (f[i][j] * ds[i][j] - d);
			p[i][j] = weight * f[i][j];
		}
	}
}

template <int SLICES> __device__ __forceinline__ void backward_queries(Output dq, Matrix q, Matrix k, Matrix v, Matrix dout, const float *lse,
	const float *delta, const Mask &m, const EdgeDrop &e, const Shape &z, int row) {
	SHARED(float, xs, SLICE * TURNED);
	SHARED(float, ys, TILE * STRAIGHT);
	SHARED(float, weights, TILE * TURNED);
	int query_tile = tiles(z.t) - 1 - blockIdx.x;
	float acc[SLICES][4][2] = {};
	for (int tile = next_key_tile(m, query_tile, 0); tile < tiles(z.s); tile = next_key_tile(m, query_tile, tile + 1)) {
		float p[4][4], ds[4][4];
		score_gradients(p, ds, xs, ys, q, k, v, dout, lse, delta, m, e, z, row, query_tile, tile);
		store_by_key(weights, ds);
		add_weighted(acc, weights, ys, k, tile * TILE, z.s, z.d);
	}
	const float by[4] = {z.scale, z.scale, z.scale, z.scale};
	write_rows(dq, acc, by, query_tile * TILE, z.t, z.d);
}

template <int SLICES> __device__ __forceinline__ void backward_keys(Output dk, Output dv, Matrix q, Matrix k, Matrix v, Matrix dout,
	const float *lse, const float *delta, const Mask &m, const EdgeDrop &e, const Shape &z, int row) {
	SHARED(float, xs, SLICE * TURNED);
	SHARED(float, ys, TILE * STRAIGHT);
	SHARED(float, weights, TILE * TURNED);
	int key_tile = blockIdx.x;
	float acc_k[SLICES][4][2] = {}, acc_v[SLICES][4][2] = {};
	for (int tile = next_query_tile(m, key_tile, 0); tile < tiles(z.t); tile = next_query_tile(m, key_tile, tile + 1)) {
		float p[4][4], ds[4][4];
		score_gradients(p, ds, xs, ys, q, k, v, dout, lse, delta, m, e, z, row, tile, key_tile);
		store_by_query(weights, p);
		add_weighted(acc_v, weights, ys, dout, tile * TILE, z.t, z.d);
		store_by_query(weights, ds);
		add_weighted(acc_k, weights, ys, q, tile * TILE, z.t, z.d);
	}
	const float one[4] = {1, 1, 1, 1}, by[4] = {z.scale, z.scale, z.scale, z.scale};
	write_rows(dv, acc_v, one, key_tile * TILE, z.s, z.d);
	write_rows(dk, acc_k, by, key_tile * TILE, z.s, z.d);
}

// Grids are (tiles, heads, batch rows).
__device__ __forceinline__ Matrix head(const float *x, long long stride, int rows, int d) {
	return {x + (long long)blockIdx.z * rows * stride + (long long)blockIdx.y * d, stride};
}

__device__ __forceinline__ Output head(float *x, long long stride, int rows, int d) {
	return {x + (long long)blockIdx.z * rows * stride + (long long)blockIdx.y * d, stride};
}

__device__ __forceinline__ long long line(int t) { return ((long long)blockIdx.z * gridDim.y + blockIdx.y) * t; }

} // namespace attention_f32_cu
using namespace attention_f32_cu;

// The names say the widest head: 32, 64 or 128.
#define ATTENTION(width) \
	KERNEL(THREADS, attention_f32_d##width, float *out, float *lse, const float *q, const float *k, const float *v, long long out_stride, \
		long long q_stride, long long k_stride, long long v_stride, const int *pos, const int *lo, const int *hi, const int *tag, \
		const int *a, const int *b, const int *tables, int t, int s, int d, float scale, const int *draw, float rate, unsigned purpose) { \
		Mask m = mask_row({pos, lo, hi, tag, a, b, tables, t, s}, blockIdx.z); \
		forward<width / SLICE>(head(out, out_stride, t, d), lse + line(t), head(q, q_stride, t, d), head(k, k_stride, s, d), \
			head(v, v_stride, s, d), m, edge_drop(draw, rate, purpose, blockIdx.y), {t, s, d, scale}, blockIdx.z); \
	} \
	KERNEL(THREADS, attention_dq_f32_d##width, float *dq, const float *q, const float *k, const float *v, const float *dout, \
		long long dq_stride, long long q_stride, long long k_stride, long long v_stride, long long dout_stride, const float *lse, \
		const float *delta, const int *pos, const int *lo, const int *hi, const int *tag, const int *a, const int *b, \
		const int *tables, int t, int s, int d, float scale, const int *draw, float rate, unsigned purpose) { \
		Mask m = mask_row({pos, lo, hi, tag, a, b, tables, t, s}, blockIdx.z); \
		backward_queries<width / SLICE>(head(dq, dq_stride, t, d), head(q, q_stride, t, d), head(k, k_stride, s, d), \
			head(v, v_stride, s, d), head(dout, dout_stride, t, d), lse + line(t), delta + line(t), m, \
			edge_drop(draw, rate, purpose, blockIdx.y), {t, s, d, scale}, blockIdx.z); \
	} \
	KERNEL(THREADS, attention_dkv_f32_d##width, float *dk, float *dv, const float *q, const float *k, const float *v, const float *dout, \
		long long dk_stride, long long dv_stride, long long q_stride, long long k_stride, long long v_stride, long long dout_stride, \
		const float *lse, const float *delta, const int *pos, const int *lo, const int *hi, const int *tag, const int *a, \
		const int *b, const int *tables, int t, int s, int d, float scale, const int *draw, float rate, unsigned purpose) { \
		Mask m = mask_row({pos, lo, hi, tag, a, b, tables, t, s}, blockIdx.z); \
		backward_keys<width / SLICE>(head(dk, dk_stride, s, d), head(dv, dv_stride, s, d), head(q, q_stride, t, d), \
			head(k, k_stride, s, d), head(v, v_stride, s, d), head(dout, dout_stride, t, d), lse + line(t), delta + line(t), m, \
			edge_drop(draw, rate, purpose, blockIdx.y), {t, s, d, scale}, blockIdx.z); \
	}

ATTENTION(32)
ATTENTION(64)
ATTENTION(128)
