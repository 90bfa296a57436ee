// Attention in bfloat16 on tensor cores, forward and backward (Dao 2023; Shah et al. 2024 for the same walk over tiles).
//
// A block has 4 warps and a tile of 64 queries (or of 64 keys, in the gradient of keys and values); a warp owns 16 of its
// rows from the first product to the last, so that no sum crosses warps. Products are mma m16n8k16 with float32 sums.
//
// Fragments. An accumulator of 16 rows × 8 columns gives lane l rows l/4 and l/4+8, columns 2·(l%4) and the next: a thread
// has two rows, r = 0 and 1, and of every 8 columns two. Two neighbouring accumulators, rounded to bfloat16, are the left
// operand of the next product.
//
// Scores are kept in units of log₂, so that the softmax needs only exp2.
#include "mask.cuh"

namespace attention_bf16_cu {

const int THREADS = 128;

struct Shape {
	int t, s, d;
	float scale;
	int vectors;
};

struct Matrix {
	const bf16 *x;
	long long stride;
};

struct Output {
	bf16 *x;
	long long stride;
};

// A tile in shared memory: 64 rows of D elements, 16 bytes apart so that eight rows fall on different banks.
template <int D> struct Tile {
	static const int stride = D + 8, size = TILE * stride;
};

// What a block walks over backwards lies in shared memory in so many stages: with two, a tile is on its way while the one before is worked
// on; two of width 128 would be more than some processors have.
template <int D> __device__ constexpr int stages() { return D <= 64 ? 2 : 1; }

// The slow way, for addresses and strides that allow no accesses of 16 bytes.
template <int D> __device__ __forceinline__ void load_elements(bf16 *to, Matrix m, int from, int rows, const Shape &z) {
#pragma unroll 1
	for (int at = threadIdx.x; at < TILE * D; at += THREADS) {
		int r = at / D, c = at % D;
		bool inside = from + r < rows && c < z.d;
		to[r * Tile<D>::stride + c] = inside ? m.x[(from + r) * m.stride + c] : narrow<bf16>(0.0f);
	}
}

// Rows from … from+63 of a head, 0 outside and beyond column d.
template <int D> __device__ __forceinline__ void load_tile(bf16 *to, Matrix m, int from, int rows, const Shape &z) {
	if (!z.vectors) {
		load_elements<D>(to, m, from, rows, z);
		return;
	}
	const int CHUNKS = D / 8;
#pragma unroll
	for (int i = 0; i < TILE * CHUNKS / THREADS; i++) {
		int at = threadIdx.x + i * THREADS, r = at / CHUNKS, c = at % CHUNKS * 8;
		bool inside = from + r < rows && c < z.d;
		copy_async(to + r * Tile<D>::stride + c, inside ? m.x + (from + r) * m.stride + c : m.x, inside);
	}
}

// The same tile of two matrices, one behind the other.
template <int D> __device__ __forceinline__ void load_pair(bf16 *to, Matrix first, Matrix second, int tile, int rows, const Shape &z) {
	load_tile<D>(to, first, tile * TILE, rows, z);
	load_tile<D>(to + Tile<D>::size, second, tile * TILE, rows, z);
}

// The left operand: rows row … row+15, columns c … c+15 of a tile.
template <int D> __device__ __forceinline__ void left(unsigned (&a)[4], const bf16 *tile, int row, int c) {
	int lane = threadIdx.x % 32, matrix = lane / 8;
	ldmatrix(a, tile + (row + matrix % 2 * 8 + lane % 8) * Tile<D>::stride + c + matrix / 2 * 8);
}

// The right operand of X·Yᵀ: rows n … n+15 of Y are the product's columns, its columns c … c+15 are summed over. b[0], b[1] are for
// columns n … n+7, b[2], b[3] for the others.
template <int D> __device__ __forceinline__ void right_rows(unsigned (&b)[4], const bf16 *tile, int n, int c) {
	int lane = threadIdx.x % 32, matrix = lane / 8;
	ldmatrix(b, tile + (n + matrix / 2 * 8 + lane % 8) * Tile<D>::stride + c + matrix % 2 * 8);
}

// The right operand of W·Y: rows k … k+15 of Y are summed over, its columns n … n+15 are the product's.
template <int D> __device__ __forceinline__ void right_columns(unsigned (&b)[4], const bf16 *tile, int k, int n) {
	int lane = threadIdx.x % 32, matrix = lane / 8;
	ldmatrix_transposed(b, tile + (k + matrix % 2 * 8 + lane % 8) * Tile<D>::stride + n + matrix / 2 * 8);
}

template <int N> __device__ __forceinline__ void clear(float (&c)[N][4]) {
#pragma unroll
	for (int n = 0; n < N; n++)
#pragma unroll
		for (int i = 0; i < 4; i++) c[n][i] = 0.0f;
}

// c = X·Yᵀ: 16 rows of X from x_row on, 8·N rows of Y from y_row on.
template <int D, int N> __device__ __forceinline__ void inner_products(float (&c)[N][4], const bf16 *x, int x_row, const bf16 *y, int y_row) {
	clear(c);
#pragma unroll
	for (int k = 0; k < D; k += 16) {
		unsigned a[4];
		left<D>(a, x, x_row, k);
#pragma unroll
		for (int n = 0; n < N; n += 2) {
			unsigned b[4];
			right_rows<D>(b, y, y_row + 8 * n, k);
			mma(c[n], a, b[0], b[1]);
			mma(c[n + 1], a, b[2], b[3]);
		}
	}
}

// c += W·Y: the weights are accumulators, 16 rows × 8·N, and go with the 8·N rows of Y from y_row on.
template <int D, int N> __device__ __forceinline__ void add_weighted(float (&c)[D / 8][4], const float (&w)[N][4], const bf16 *y, int y_row) {
#pragma unroll
	for (int k = 0; k < N; k += 2) {
		const unsigned a[4] = {pack(w[k][0], w[k][1]), pack(w[k][2], w[k][3]), pack(w[k + 1][0], w[k + 1][1]), pack(w[k + 1][2], w[k + 1][3])};
#pragma unroll
		for (int n = 0; n < D / 8; n += 2) {
			unsigned b[4];
			right_columns<D>(b, y, y_row + 8 * k, 8 * n);
			mma(c[n], a, b[0], b[1]);
			mma(c[n + 1], a, b[2], b[3]);
		}
	}
}

// Writes a warp's 16 rows, times by[r].
template <int D> __device__ __forceinline__ void write_rows(Output o, const float (&c)[D / 8][4], const float (&by)[2], int from, int rows, const Shape &z) {
	int lane = threadIdx.x % 32, row = from + threadIdx.x / 32 * 16 + lane / 4, col = lane % 4 * 2;
#pragma unroll
	for (int r = 0; r < 2; r++) {
		if (row + 8 * r >= rows) continue;
		bf16 *to = o.x + (row + 8 * r) * o.stride + col;
#pragma unroll
		for (int n = 0; n < D / 8; n++) {
			float v0 = c[n][2 * r] * by[r], v1 = c[n][2 * r + 1] * by[r];
			if (z.vectors && 8 * n < z.d) {
				*(unsigned *)(to + 8 * n) = pack(v0, v1);
				continue;
			}
			if (8 * n + col < z.d) to[8 * n] = narrow<bf16>(v0);
			if (8 * n + col + 1 < z.d) to[8 * n + 1] = narrow<bf16>(v1);
		}
	}
}

// Over the four lanes that share a row.
__device__ __forceinline__ float row_max(float v) {
	v = fmaxf(v, __shfl_xor_sync(ALL_LANES, v, 1));
	return fmaxf(v, __shfl_xor_sync(ALL_LANES, v, 2));
}

__device__ __forceinline__ float row_sum(float v) {
	v += __shfl_xor_sync(ALL_LANES, v, 1);
	return v + __shfl_xor_sync(ALL_LANES, v, 2);
}

// The factors of two neighbouring edges: query i, keys j (even) and j+1.
__device__ __forceinline__ float2 edge_factors(const EdgeDrop &e, unsigned line, int j) {
	uint4 draws = philox(e.draw, e.purpose, line, (unsigned)j / 4);
	bool upper = j & 2;
	return make_float2(edge_factor(e, upper ? draws.z : draws.x), edge_factor(e, upper ? draws.w : draws.y));
}

// Calls f(n, r, i, visible) for a thread's scores of one tile: rows are queries q.., columns 8·N keys from key on.
template <int N, class F> __device__ __forceinline__ void each_score(const QueryBounds (&q)[2], const Mask &m, int key, bool all, F f) {
	int col = key + threadIdx.x % 4 * 2;
	if (all) {
#pragma unroll
		for (int n = 0; n < N; n++)
#pragma unroll
			for (int i = 0; i < 2; i++)
#pragma unroll
				for (int r = 0; r < 2; r++) f(n, r, i, true);
		return;
	}
#pragma unroll
	for (int n = 0; n < N; n++)
#pragma unroll
		for (int i = 0; i < 2; i++) {
			KeyBounds k = key_bounds(m, col + 8 * n + i);
#pragma unroll
			for (int r = 0; r < 2; r++) f(n, r, i, visible(q[r], k));
		}
}

// Whether every pair of two tiles is real and visible.
__device__ __forceinline__ bool whole(const Mask &m, int query_tile, int key_tile) {
	return (query_tile + 1) * TILE <= m.t && (key_tile + 1) * TILE <= m.s && tile_pair(m, query_tile, key_tile) == VISIBLE;
}

// One tile of the online softmax (Milakov and Gimelshein 2018): scores become weights, the sums so far are rescaled.
template <int D> __device__ __forceinline__ void softmax_step(float (&s)[8][4], float (&acc)[D / 8][4], float (&largest)[2], float (&sum)[2],
	const QueryBounds (&q)[2], const Mask &m, int key, bool all, float unit_scale) {
	float top[2] = {largest[0], largest[1]};
	each_score<8>(q, m, key, all, [&](int n, int r, int i, bool see) {
		float &x = s[n][2 * r + i];
		x = see ? x * unit_scale : MINUS_INFINITY;
		top[r] = fmaxf(top[r], x);
	});
#pragma unroll
	for (int r = 0; r < 2; r++) {
		top[r] = row_max(top[r]);
		float base = top[r] == MINUS_INFINITY ? 0.0f : top[r], shrink = fast_exp2(largest[r] - base), part = 0;
		largest[r] = top[r];
#pragma unroll
		for (int n = 0; n < 8; n++)
#pragma unroll
			for (int i = 0; i < 2; i++) {
				float &x = s[n][2 * r + i];
				x = fast_exp2(x - base);
				part += x;
			}
		sum[r] = sum[r] * shrink + row_sum(part);
#pragma unroll
		for (int n = 0; n < D / 8; n++) acc[n][2 * r] *= shrink, acc[n][2 * r + 1] *= shrink;
	}
}

template <int D> __device__ __forceinline__ void forward(
	Output out, float *lse, Matrix q, Matrix k, Matrix v, const Mask &m, const EdgeDrop &e, const Shape &z, int row) {
	SHARED_DYNAMIC(bf16, qs);
	bf16 *ks = qs + Tile<D>::size, *vs = ks + Tile<D>::size;
	int query_tile = tiles(z.t) - 1 - blockIdx.x; // causal masks give later queries more work: they go first
	int q0 = query_tile * TILE, warp_row = threadIdx.x / 32 * 16, lane = threadIdx.x % 32, mine = q0 + warp_row + lane / 4;
	const QueryBounds bounds[2] = {query_bounds(m, mine), query_bounds(m, mine + 8)};
	const unsigned lines[2] = {edge_line(e, row, z.t, mine), edge_line(e, row, z.t, mine + 8)};
	float acc[D / 8][4], largest[2] = {MINUS_INFINITY, MINUS_INFINITY}, sum[2] = {0, 0};
	clear(acc);
	int tile = next_key_tile(m, query_tile, 0), n = tiles(z.s);
	if (tile < n) {
		load_tile<D>(qs, q, q0, z.t, z);
		load_tile<D>(ks, k, tile * TILE, z.s, z);
	}
	copy_commit();
	while (tile < n) {
		COPY_WAIT(0);
		__syncthreads(); // K is there, and the last V read
		load_tile<D>(vs, v, tile * TILE, z.s, z);
		copy_commit();
		float s[8][4];
		inner_products<D>(s, qs, warp_row, ks, 0);
		__syncthreads(); // K is read
		int next = next_key_tile(m, query_tile, tile + 1);
		if (next < n) load_tile<D>(ks, k, next * TILE, z.s, z);
		copy_commit();
		softmax_step<D>(s, acc, largest, sum, bounds, m, tile * TILE, whole(m, query_tile, tile), z.scale * LOG2E);
		if (e.rate > 0.0f)
#pragma unroll
			for (int c = 0; c < 8; c++)
#pragma unroll
				for (int r = 0; r < 2; r++) {
					float2 f = edge_factors(e, lines[r], tile * TILE + 8 * c + lane % 4 * 2);
					s[c][2 * r] *= f.x, s[c][2 * r + 1] *= f.y;
				}
		COPY_WAIT(1);
		__syncthreads(); // V is there
		add_weighted<D>(acc, s, vs, 0);
		tile = next;
	}
	float by[2];
#pragma unroll
	for (int r = 0; r < 2; r++) {
		by[r] = sum[r] == 0.0f ? 0.0f : 1.0f / sum[r];
		if (lane % 4 == 0 && mine + 8 * r < z.t) lse[mine + 8 * r] = sum[r] == 0.0f ? 0.0f : (largest[r] + log2f(sum[r])) * LN2;
	}
	write_rows<D>(out, acc, by, q0, z.t, z);
}

// The gradient of queries: a block keeps 64 queries and walks over keys.
template <int D> __device__ __forceinline__ void backward_queries(Output dq, Matrix q, Matrix k, Matrix v, Matrix dout, const float *lse,
	const float *delta, const Mask &m, const EdgeDrop &e, const Shape &z, int row) {
	const int STAGES = stages<D>();
	SHARED_DYNAMIC(bf16, qs);
	bf16 *gs = qs + Tile<D>::size, *staged = gs + Tile<D>::size; // K and V a stage
	int query_tile = tiles(z.t) - 1 - blockIdx.x, q0 = query_tile * TILE;
	int warp_row = threadIdx.x / 32 * 16, lane = threadIdx.x % 32, mine = q0 + warp_row + lane / 4;
	const QueryBounds bounds[2] = {query_bounds(m, mine), query_bounds(m, mine + 8)};
	const unsigned lines[2] = {edge_line(e, row, z.t, mine), edge_line(e, row, z.t, mine + 8)};
	float log_sums[2], deltas[2], acc[D / 8][4];
#pragma unroll
	for (int r = 0; r < 2; r++) {
		bool real = mine + 8 * r < z.t;
		log_sums[r] = real ? lse[mine + 8 * r] * LOG2E : 0.0f;
		deltas[r] = real ? delta[mine + 8 * r] : 0.0f;
	}
	clear(acc);
	int tile = next_key_tile(m, query_tile, 0), n = tiles(z.s);
	if (tile < n) {
		load_tile<D>(qs, q, q0, z.t, z);
		load_tile<D>(gs, dout, q0, z.t, z);
		load_pair<D>(staged, k, v, tile, z.s, z);
	}
	copy_commit();
	for (int stage = 0; tile < n; stage = (stage + 1) % STAGES) {
		bf16 *ks = staged + 2 * stage * Tile<D>::size, *vs = ks + Tile<D>::size;
		int next = next_key_tile(m, query_tile, tile + 1);
		COPY_WAIT(0);
		__syncthreads(); // K and V are there, and those of the other stage read
		if (STAGES == 2 && next < n) load_pair<D>(staged + 2 * (1 - stage) * Tile<D>::size, k, v, next, z.s, z);
		if (STAGES == 2) copy_commit();
		float s[8][4], g[8][4];
		inner_products<D>(s, qs, warp_row, ks, 0);
		inner_products<D>(g, gs, warp_row, vs, 0);
		each_score<8>(bounds, m, tile * TILE, whole(m, query_tile, tile), [&](int c, int r, int i, bool see) {
			s[c][2 * r + i] = see ? fast_exp2(s[c][2 * r + i] * (z.scale * LOG2E) - log_sums[r]) : 0.0f;
			if (!see) g[c][2 * r + i] = 0.0f; // it may be infinite
		});
		if (e.rate > 0.0f)
#pragma unroll
			for (int c = 0; c < 8; c++)
#pragma unroll
				for (int r = 0; r < 2; r++) {
					float2 f = edge_factors(e, lines[r], tile * TILE + 8 * c + lane % 4 * 2);
					g[c][2 * r] *= f.x, g[c][2 * r + 1] *= f.y;
				}
#pragma unroll
		for (int c = 0; c < 8; c++)
#pragma unroll
			for (int i = 0; i < 4; i++) s[c][i] *= g[c][i] - deltas[i / 2];
		add_weighted<D>(acc, s, ks, 0);
		tile = next;
		if (STAGES == 2) continue;
		__syncthreads(); // K and V are read
		if (tile < n) load_pair<D>(staged, k, v, tile, z.s, z);
		copy_commit();
	}
	const float by[2] = {z.scale, z.scale};
	write_rows<D>(dq, acc, by, q0, z.t, z);
}

// What a tile of queries brings to the gradient of keys, where queries are columns.
struct QueryColumn {
	float log_sum, delta;
	int lo, hi, tag, real;
};

// The gradients of keys and values: a block keeps 64 keys and walks over queries, 32 at a time. Scores stand
// transposed, a row a key.
template <int D> __device__ __forceinline__ void backward_keys(Output dk, Output dv, Matrix q, Matrix k, Matrix v, Matrix dout, const float *lse,
	const float *delta, const Mask &m, const EdgeDrop &e, const Shape &z, int row) {
	const int STAGES = stages<D>();
	SHARED(QueryColumn, staged_columns, STAGES * TILE);
	SHARED_DYNAMIC(bf16, ks);
	bf16 *vs = ks + Tile<D>::size, *staged = vs + Tile<D>::size; // Q and dOut a stage
	int key_tile = blockIdx.x, k0 = key_tile * TILE;
	int warp_row = threadIdx.x / 32 * 16, lane = threadIdx.x % 32, mine = k0 + warp_row + lane / 4;
	const KeyBounds bounds[2] = {key_bounds(m, mine), key_bounds(m, mine + 8)};
	float acc_k[D / 8][4], acc_v[D / 8][4];
	clear(acc_k);
	clear(acc_v);
	int tile = next_query_tile(m, key_tile, 0), n = tiles(z.t);
	if (tile < n) {
		load_tile<D>(ks, k, k0, z.s, z);
		load_tile<D>(vs, v, k0, z.s, z);
		load_pair<D>(staged, q, dout, tile, z.t, z);
	}
	copy_commit();
	for (int stage = 0; tile < n; stage = (stage + 1) % STAGES) {
		bf16 *qs = staged + 2 * stage * Tile<D>::size, *gs = qs + Tile<D>::size;
		QueryColumn *columns = staged_columns + stage * TILE;
		int next = next_query_tile(m, key_tile, tile + 1);
		if (threadIdx.x < TILE) {
			int i = tile * TILE + threadIdx.x;
			QueryBounds b = query_bounds(m, i);
			columns[threadIdx.x] = {b.real ? lse[i] * LOG2E : 0.0f, b.real ? delta[i] : 0.0f, b.lo, b.hi, b.tag, b.real};
		}
		bool all = whole(m, tile, key_tile);
		COPY_WAIT(0);
		__syncthreads(); // Q, dOut and columns are there, and those of the other stage read
		if (STAGES == 2 && next < n) load_pair<D>(staged + 2 * (1 - stage) * Tile<D>::size, q, dout, next, z.t, z);
		if (STAGES == 2) copy_commit();
#pragma unroll 1
		for (int half = 0; half < TILE; half += 32) {
			float s[4][4], g[4][4];
			inner_products<D>(s, ks, warp_row, qs, half);
			inner_products<D>(g, vs, warp_row, gs, half);
#pragma unroll
			for (int c = 0; c < 4; c++)
#pragma unroll
				for (int i = 0; i < 2; i++) {
					int at = half + 8 * c + lane % 4 * 2 + i;
					QueryColumn col = columns[at];
					QueryBounds qb = {col.lo, col.hi, col.tag, col.real != 0};
#pragma unroll
					for (int r = 0; r < 2; r++) {
						float &w = s[c][2 * r + i], &d = g[c][2 * r + i];
						bool see = all || visible(qb, bounds[r]);
						float p = see ? fast_exp2(w * (z.scale * LOG2E) - col.log_sum) : 0.0f, f = 1.0f;
						if (e.rate > 0.0f) {
							int j = mine + 8 * r;
							uint4 draws = philox(e.draw, e.purpose, edge_line(e, row, z.t, tile * TILE + at), (unsigned)j / 4);
							f = edge_factor(e, word(draws, j % 4));
						}
						w = p * f;
						d = see ? p * (f * d - col.delta) : 0.0f; // without "see" it may be 0·∞
					}
				}
			add_weighted<D>(acc_v, s, gs, half);
			add_weighted<D>(acc_k, g, qs, half);
		}
		tile = next;
		if (STAGES == 2) continue;
		__syncthreads(); // Q, dOut and columns are read
		if (tile < n) load_pair<D>(staged, q, dout, tile, z.t, z);
		copy_commit();
	}
	const float one[2] = {1, 1}, by[2] = {z.scale, z.scale};
	write_rows<D>(dv, acc_v, one, k0, z.s, z);
	write_rows<D>(dk, acc_k, by, k0, z.s, z);
}

// Grids are (tiles, heads, batch rows).
__device__ __forceinline__ Matrix head(const bf16 *x, long long stride, int rows, int d) {
	return {x + (long long)blockIdx.z * rows * stride + (long long)blockIdx.y * d, stride};
}

__device__ __forceinline__ Output head(bf16 *x, long long stride, int rows, int d) {
	return {x + (long long)blockIdx.z * rows * stride + (long long)blockIdx.y * d, stride};
}

__device__ __forceinline__ long long line(int t) { return ((long long)blockIdx.z * gridDim.y + blockIdx.y) * t; }

} // namespace attention_bf16_cu
using namespace attention_bf16_cu;

// Blocks at once on a processor, as many as registers allow without spilling.
#define FORWARD_BLOCKS(width) (width <= 64 ? 4 : 2)
#define BACKWARD_BLOCKS(width) (width == 64 ? 3 : 2)

// The names say the widest head: 32, 64 or 128. Dynamic shared memory is 3 tiles forward, and backward 2 and 2 a stage.
#define ATTENTION(width) \
	KERNEL_RESIDENT(THREADS, FORWARD_BLOCKS(width), attention_bf16_d##width, bf16 *out, float *lse, const bf16 *q, const bf16 *k, \
		const bf16 *v, long long out_stride, long long q_stride, long long k_stride, long long v_stride, const int *pos, const int *lo, const int *hi, const int *tag, \
		const int *a, const int *b, const int *tables, int t, int s, int d, float scale, const int *draw, float rate, unsigned purpose, \
		int vectors) { \
		Mask m = mask_row({pos, lo, hi, tag, a, b, tables, t, s}, blockIdx.z); \
		forward<width>(head(out, out_stride, t, d), lse + line(t), head(q, q_stride, t, d), head(k, k_stride, s, d), \
			head(v, v_stride, s, d), m, edge_drop(draw, rate, purpose, blockIdx.y), {t, s, d, scale, vectors}, blockIdx.z); \
	} \
	KERNEL_RESIDENT(THREADS, BACKWARD_BLOCKS(width), attention_dq_bf16_d##width, bf16 *dq, const bf16 *q, const bf16 *k, \
		const bf16 *v, const bf16 *dout, \
		long long dq_stride, long long q_stride, long long k_stride, long long v_stride, long long dout_stride, const float *lse, \
		const float *delta, const int *pos, const int *lo, const int *hi, const int *tag, const int *a, const int *b, \
		const int *tables, int t, int s, int d, float scale, const int *draw, float rate, unsigned purpose, int vectors) { \
		Mask m = mask_row({pos, lo, hi, tag, a, b, tables, t, s}, blockIdx.z); \
		backward_queries<width>(head(dq, dq_stride, t, d), head(q, q_stride, t, d), head(k, k_stride, s, d), head(v, v_stride, s, d), \
			head(dout, dout_stride, t, d), lse + line(t), delta + line(t), m, edge_drop(draw, rate, purpose, blockIdx.y), \
			{t, s, d, scale, vectors}, blockIdx.z); \
	} \
	KERNEL_RESIDENT(THREADS, BACKWARD_BLOCKS(width), attention_dkv_bf16_d##width, bf16 *dk, bf16 *dv, const bf16 *q, const bf16 *k, \
		const bf16 *v, const bf16 *dout, \
		long long dk_stride, long long dv_stride, long long q_stride, long long k_stride, long long v_stride, long long dout_stride, \
		const float *lse, const float *delta, const int *pos, const int *lo, const int *hi, const int *tag, const int *a, \
		const int *b, const int *tables, int t, int s, int d, float scale, const int *draw, float rate, unsigned purpose, int vectors) { \
		Mask m = mask_row({pos, lo, hi, tag, a, b, tables, t, s}, blockIdx.z); \
		backward_keys<width>(head(dk, dk_stride, s, d), head(dv, dv_stride, s, d), head(q, q_stride, t, d), head(k, k_stride, s, d), \
			head(v, v_stride, s, d), head(dout, dout_stride, t, d), lse + line(t), delta + line(t), m, \
			edge_drop(draw, rate, purpose, blockIdx.y), {t, s, d, scale, vectors}, blockIdx.z); \
	}

ATTENTION(32)
ATTENTION(64)
ATTENTION(128)
