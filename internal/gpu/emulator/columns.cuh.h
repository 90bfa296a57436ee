// Sums down the columns of a matrix, in an order that the shape alone decides: gradients of biases, of a norm's weights and
// of the value that fills hidden rows.
//
// Rows are cut into chunks of COLUMN_CHUNK. A block sums one chunk of 32 columns, its 8 warps taking every eighth row,
// and adds the warps' sums in ascending order; column_add adds the chunks' sums to the output likewise.
#pragma once
#include "common.cuh"

const int COLUMN_CHUNK = 256, COLUMN_THREADS = 256, COLUMN_WARPS = COLUMN_THREADS / 32;

// partial is (chunks, SUMS·cols). term(row, col, values) gives SUMS values to add up.
template <int SUMS, class F> __device__ __forceinline__ void column_sums(float *partial, int rows, int cols, F term) {
	SHARED(float, parts, COLUMN_WARPS * 32 * SUMS);
	int lane = threadIdx.x % 32, warp = threadIdx.x / 32, col = blockIdx.x * 32 + lane, chunk = blockIdx.y;
	float sums[SUMS] = {};
	if (col < cols) {
		int end = min(rows, (chunk + 1) * COLUMN_CHUNK);
		for (int row = chunk * COLUMN_CHUNK + warp; row < end; row += COLUMN_WARPS) {
			float v[SUMS];
			term(row, col, v);
#pragma unroll
			for (int s = 0; s < SUMS; s++) sums[s] += v[s];
		}
	}
#pragma unroll
	for (int s = 0; s < SUMS; s++) parts[(s * COLUMN_WARPS + warp) * 32 + lane] = sums[s];
	__syncthreads();
	if (warp >= SUMS || col >= cols) return;
	float sum = 0;
#pragma unroll
	for (int w = 0; w < COLUMN_WARPS; w++) sum += parts[(warp * COLUMN_WARPS + w) * 32 + lane];
	partial[(long long)chunk * SUMS * cols + warp * cols + col] = sum;
}
