// Attention of a few queries over a key–value cache, and the row sums that attention's backward pass starts from.
#include "mask.cuh"

namespace attention_decode_cu {

const int THREADS = 128, WARPS = THREADS / 32, WIDEST = 128;

struct Shape {
	int t, s, d;
	float scale;
};

// A block takes one query of one head: 128 keys at a time, a thread to a key for the scores, then a thread to a column of V.
// Two barriers a round do: what is read after one of them is overwritten only after the next.
template <class T> __device__ __forceinline__ void decode(T *out, float *lse, const T *q, const T *k, const T *v, long long k_stride,
	long long v_stride, const Mask &m, const EdgeDrop &e, const Shape &z, int row, int i) {
	SHARED(float, query, WIDEST);
	SHARED(float, weights, THREADS);
	SHARED(float, tops, WARPS);
	SHARED(float, sums, WARPS);
	int lane = threadIdx.x % 32, warp = threadIdx.x / 32, col = threadIdx.x;
	if (col < z.d) query[col] = widen(q[col]) * z.scale;
	QueryBounds mine = query_bounds(m, i);
	float largest = MINUS_INFINITY, sum = 0, acc = 0;
	__syncthreads();
	for (int j0 = 0; j0 < z.s; j0 += THREADS) {
		int last = min(j0 + THREADS, z.s) - 1;
		if (tile_pair(m, i / TILE, j0 / TILE) == HIDDEN && tile_pair(m, i / TILE, last / TILE) == HIDDEN) continue;
		int j = j0 + threadIdx.x;
		bool see = visible(mine, key_bounds(m, j));
		float score = MINUS_INFINITY;
		if (see) {
			const T *key = k + j * k_stride;
			score = 0;
			for (int c = 0; c < z.d; c++) score += query[c] * widen(key[c]);
		}
		float top = score;
#pragma unroll
		for (int w = 16; w; w /= 2) top = fmaxf(top, __shfl_xor_sync(ALL_LANES, top, w));
		if (lane == 0) tops[warp] = top;
		__syncthreads();
		top = largest;
#pragma unroll
		for (int w = 0; w < WARPS; w++) top = fmaxf(top, tops[w]);
		float base = top == MINUS_INFINITY ? 0.0f : top, shrink = expf(largest - base), p = see ? expf(score - base) : 0.0f;
		largest = top;
		float part = warp_sum(p);
		if (lane == 0) sums[warp] = part;
		if (see && e.rate > 0.0f) {
			uint4 draws = philox(e.draw, e.purpose, edge_line(e, row, z.t, i), (unsigned)j / 4);
			p *= edge_factor(e, word(draws, j % 4));
		}
		weights[threadIdx.x] = p;
		__syncthreads();
		part = 0;
#pragma unroll
		for (int w = 0; w < WARPS; w++) part += sums[w];
		sum = sum * shrink + part;
		acc *= shrink;
		if (col < z.d)
			for (int l = 0; l < THREADS && j0 + l < z.s; l++)
				if (weights[l] != 0.0f) acc += weights[l] * widen(v[(j0 + l) * v_stride + col]);
	}
	if (col < z.d) out[col] = narrow<T>(sum == 0.0f ? 0.0f : acc / sum);
	if (threadIdx.x == 0) lse[i] = sum == 0.0f ? 0.0f : largest + logf(sum);
}

// delta_i = Σ_c out_ic·dout_ic, a warp to a query of a head.
template <class T> __device__ __forceinline__ void delta_rows(
	float *delta, const T *out, const T *dout, long long out_stride, long long dout_stride, int t, int heads, int d, int n) {
	int at = blockIdx.x * WARPS + threadIdx.x / 32, lane = threadIdx.x % 32;
	if (at >= n) return;
	int i = at % t, h = at / t % heads, row = at / t / heads;
	const T *o = out + ((long long)row * t + i) * out_stride + h * d, *g = dout + ((long long)row * t + i) * dout_stride + h * d;
	float sum = 0;
	for (int c = lane; c < d; c += 32) sum += widen(o[c]) * widen(g[c]);
	sum = warp_sum(sum);
	if (lane == 0) delta[at] = sum;
}

} // namespace attention_decode_cu
using namespace attention_decode_cu;

// The grid is (queries, heads, batch rows).
#define DECODE(suffix, T) \
	KERNEL(THREADS, attention_decode_##suffix, T *out, float *lse, const T *q, const T *k, const T *v, long long out_stride, \
		long long q_stride, long long k_stride, long long v_stride, const int *pos, const int *lo, const int *hi, const int *tag, \
		const int *a, const int *b, const int *tables, int t, int s, int d, float scale, const int *draw, float rate, unsigned purpose) { \
		int i = blockIdx.x, h = blockIdx.y, row = blockIdx.z; \
		long long query = (long long)row * t + i, key = (long long)row * s; \
		decode(out + query * out_stride + h * d, lse + ((long long)row * gridDim.y + h) * t, q + query * q_stride + h * d, \
			k + key * k_stride + h * d, v + key * v_stride + h * d, k_stride, v_stride, \
			mask_row({pos, lo, hi, tag, a, b, tables, t, s}, row), edge_drop(draw, rate, purpose, h), {t, s, d, scale}, row, i); \
	} \
	KERNEL(THREADS, attention_delta_##suffix, float *delta, const T *out, const T *dout, long long out_stride, long long dout_stride, \
		int t, int heads, int d, int n) { \
		delta_rows(delta, out, dout, out_stride, dout_stride, t, heads, d, n); \
	}

DECODE(f32, float)
DECODE(bf16, bf16)
