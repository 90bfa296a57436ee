// Matrix products for machines without cuBLASLt, and the gradient of a bias.
//
// A block computes a 64×64 tile of C = op(A)·op(B) + bias + add. Every element is one sum in ascending k, whatever the
// shape. float32 multiplies in ordinary arithmetic, bfloat16 on tensor cores.
#include "columns.cuh"

namespace linear_cu {

const int BLOCK = 64; // rows and columns of a tile of C

struct Product {
	int m, n, k;
	int vectors; // rows of A and B may be read 16 bytes at a time
};

template <class T, class C> struct Epilogue {
	C *c;
	const T *bias;
	const C *add;

	__device__ __forceinline__ void write(const Product &p, int row, int col, float v) const {
		if (row >= p.m || col >= p.n) return;
		long long at = (long long)row * p.n + col;
		if (bias) v += widen(bias[col]);
		if (add) v += widen(add[at]);
		c[at] = narrow<C>(v);
	}
};

// float32: 256 threads, each 4×4 elements of C; 16 of k at a time, both operands in shared memory with k outermost.

const int F32_THREADS = 256, F32_K = 16, F32_STRIDE = BLOCK + 4;

// Reads 64 rows of op(X) from `row` on, k … k+15. The operand lies in memory as rows × k, or transposed as k × rows.
template <bool TRANSPOSED> __device__ __forceinline__ void load_f32(float *to, const float *x, int row, int rows, int k, int depth) {
#pragma unroll
	for (int i = 0; i < BLOCK * F32_K / F32_THREADS; i++) {
		int at = threadIdx.x + i * F32_THREADS;
		int r = TRANSPOSED ? at % BLOCK : at / F32_K, c = TRANSPOSED ? at / BLOCK : at % F32_K;
		bool inside = row + r < rows && k + c < depth;
		long long from = TRANSPOSED ? (long long)(k + c) * rows + row + r : (long long)(row + r) * depth + k + c;
		to[c * F32_STRIDE + r] = inside ? x[from] : 0.0f;
	}
}

template <bool TA, bool TB> __device__ __forceinline__ void matmul_f32(
	const float *a, const float *b, const Product &p, const Epilogue<float, float> &e) {
	SHARED(float, as, F32_K * F32_STRIDE);
	SHARED(float, bs, F32_K * F32_STRIDE);
	int row = blockIdx.y * BLOCK, col = blockIdx.x * BLOCK, ty = threadIdx.x / 16 * 4, tx = threadIdx.x % 16 * 4;
	float c[4][4] = {};
	for (int k = 0; k < p.k; k += F32_K) {
		load_f32<TA>(as, a, row, p.m, k, p.k);
		load_f32<!TB>(bs, b, col, p.n, k, p.k);
		__syncthreads();
#pragma unroll 4
		for (int kk = 0; kk < F32_K; kk++) {
			float x[4], y[4];
			unpack(x, read16(as + kk * F32_STRIDE + ty));
			unpack(y, read16(bs + kk * F32_STRIDE + tx));
#pragma unroll
			for (int i = 0; i < 4; i++)
#pragma unroll
				for (int j = 0; j < 4; j++) c[i][j] += x[i] * y[j];
		}
		__syncthreads();
	}
#pragma unroll
	for (int i = 0; i < 4; i++)
#pragma unroll
		for (int j = 0; j < 4; j++) e.write(p, row + ty + i, col + tx + j, c[i][j]);
}

// bfloat16: 4 warps, each 32×32 elements of C; 32 of k at a time, the next 32 on their way while these are multiplied.
// An operand lies in shared memory as it does in global memory, and ldmatrix turns it where needed.

const int BF16_THREADS = 128, BF16_K = 32;
const int ROWS_STRIDE = BF16_K + 8, COLS_STRIDE = BLOCK + 8; // rows of 16 bytes fall on different banks
const int OPERAND = BLOCK * ROWS_STRIDE;                     // elements, enough for either layout

// With K_INNER the tile is 64 rows of 32 (k innermost), otherwise 32 rows (k) of 64. Outside the matrix it is 0.
template <bool K_INNER> __device__ __forceinline__ void load_bf16(
	bf16 *to, const bf16 *x, int row, int rows, int k, int depth, int vectors) {
	const int width = K_INNER ? BF16_K : BLOCK, stride = K_INNER ? ROWS_STRIDE : COLS_STRIDE;
	int outer_from = K_INNER ? row : k, outer = K_INNER ? rows : depth, inner_from = K_INNER ? k : row, inner = K_INNER ? depth : rows;
	if (!vectors) {
#pragma unroll 4
		for (int at = threadIdx.x; at < BLOCK * BF16_K; at += BF16_THREADS) {
			int r = at / width, c = at % width;
			bool inside = outer_from + r < outer && inner_from + c < inner;
			to[r * stride + c] = inside ? x[(long long)(outer_from + r) * inner + inner_from + c] : narrow<bf16>(0.0f);
		}
		return;
	}
#pragma unroll
	for (int i = 0; i < BLOCK * BF16_K / 8 / BF16_THREADS; i++) {
		int at = threadIdx.x + i * BF16_THREADS, r = at / (width / 8), c = at % (width / 8) * 8;
		bool inside = outer_from + r < outer && inner_from + c < inner;
		copy_async(to + r * stride + c, inside ? x + (long long)(outer_from + r) * inner + inner_from + c : x, inside);
	}
}

template <bool TA, bool TB, class C> __device__ __forceinline__ void matmul_bf16(
	const bf16 *a, const bf16 *b, const Product &p, const Epilogue<bf16, C> &e) {
	SHARED(bf16, as, 2 * OPERAND);
	SHARED(bf16, bs, 2 * OPERAND);
	int row = blockIdx.y * BLOCK, col = blockIdx.x * BLOCK, lane = threadIdx.x % 32, warp = threadIdx.x / 32;
	int warp_row = warp / 2 * 32, warp_col = warp % 2 * 32, r = lane % 8, matrix = lane / 8;
	float c[2][4][4] = {};
	load_bf16<!TA>(as, a, row, p.m, 0, p.k, p.vectors);
	load_bf16<TB>(bs, b, col, p.n, 0, p.k, p.vectors);
	copy_commit();
	for (int k = 0, buffer = 0; k < p.k; k += BF16_K, buffer ^= 1) {
		COPY_WAIT(0);
		__syncthreads();
		if (k + BF16_K < p.k) {
			load_bf16<!TA>(as + (buffer ^ 1) * OPERAND, a, row, p.m, k + BF16_K, p.k, p.vectors);
			load_bf16<TB>(bs + (buffer ^ 1) * OPERAND, b, col, p.n, k + BF16_K, p.k, p.vectors);
			copy_commit();
		}
		const bf16 *at = as + buffer * OPERAND, *bt = bs + buffer * OPERAND;
#pragma unroll
		for (int kk = 0; kk < BF16_K; kk += 16) {
			unsigned x[2][4], y[2][4];
#pragma unroll
			for (int i = 0; i < 2; i++) {
				int first = warp_row + 16 * i + matrix % 2 * 8, depth = kk + matrix / 2 * 8;
				if (TA) ldmatrix_transposed(x[i], at + (depth + r) * COLS_STRIDE + first);
				else ldmatrix(x[i], at + (first + r) * ROWS_STRIDE + depth);
			}
#pragma unroll
			for (int j = 0; j < 2; j++) {
				int first = warp_col + 16 * j + matrix / 2 * 8, depth = kk + matrix % 2 * 8;
				if (TB) ldmatrix(y[j], bt + (first + r) * ROWS_STRIDE + depth);
				else ldmatrix_transposed(y[j], bt + (depth + r) * COLS_STRIDE + first);
			}
#pragma unroll
			for (int i = 0; i < 2; i++)
#pragma unroll
				for (int j = 0; j < 4; j++) mma(c[i][j], x[i], y[j / 2][j % 2 * 2], y[j / 2][j % 2 * 2 + 1]);
		}
	}
#pragma unroll
	for (int i = 0; i < 2; i++)
#pragma unroll
		for (int j = 0; j < 4; j++)
#pragma unroll
			for (int v = 0; v < 4; v++)
				e.write(p, row + warp_row + 16 * i + lane / 4 + v / 2 * 8, col + warp_col + 8 * j + lane % 4 * 2 + v % 2, c[i][j][v]);
}

} // namespace linear_cu
using namespace linear_cu;

// The names say whether A and B are transposed: n is not, t is.
#define MATMUL(layout, TA, TB) \
	KERNEL(F32_THREADS, matmul_f32_##layout, float *c, const float *a, const float *b, int m, int n, int k, const float *bias, \
		const float *add, int vectors) { \
		matmul_f32<TA, TB>(a, b, {m, n, k, vectors}, {c, bias, add}); \
	} \
	KERNEL(BF16_THREADS, matmul_bf16_##layout, bf16 *c, const bf16 *a, const bf16 *b, int m, int n, int k, const bf16 *bias, \
		const bf16 *add, int vectors) { \
		matmul_bf16<TA, TB, bf16>(a, b, {m, n, k, vectors}, {c, bias, add}); \
	} \
	KERNEL(BF16_THREADS, matmul_bf16_to_f32_##layout, float *c, const bf16 *a, const bf16 *b, int m, int n, int k, const bf16 *bias, \
		const float *add, int vectors) { \
		matmul_bf16<TA, TB, float>(a, b, {m, n, k, vectors}, {c, bias, add}); \
	}

MATMUL(nn, false, false)
MATMUL(nt, false, true)
MATMUL(tn, true, false)
MATMUL(tt, true, true)

#define BIAS_GRAD(suffix, T) \
	KERNEL(COLUMN_THREADS, bias_grad_##suffix, float *partial, const T *dy, int rows, int cols) { \
		column_sums<1>(partial, rows, cols, [=](int row, int col, float(&v)[1]) { v[0] = widen(dy[(long long)row * cols + col]); }); \
	}

BIAS_GRAD(f32, float)
BIAS_GRAD(bf16, bf16)
