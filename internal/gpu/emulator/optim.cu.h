// What happens to parameters: the norm of their gradients, AdamW, and adding up sums over chunks of rows.
#include "columns.cuh"

namespace optim_cu {

const int THREADS = 256, WARPS = THREADS / 32;

// A block's share is every gridDim-th packet. Squares are summed in float64: no order of terms loses anything that matters.
template <class T> __device__ __forceinline__ void squared_norm(double *partial, const T *x, long long n, int vectors) {
	const int W = Packet<T>::width;
	SHARED(double, scratch, WARPS);
	double sum = 0;
	for (long long i = ((long long)blockIdx.x * THREADS + threadIdx.x) * W; i < n; i += (long long)gridDim.x * THREADS * W) {
		float v[W];
		load_packet(v, x + i, clip(n - i), vectors);
#pragma unroll
		for (int k = 0; k < W; k++) sum += (double)v[k] * (double)v[k];
	}
	sum = block_sum(sum, scratch, THREADS);
	if (threadIdx.x == 0) partial[blockIdx.x] = sum;
}

} // namespace optim_cu
using namespace optim_cu;

KERNEL(THREADS, squared_norm_f32, double *partial, const float *x, long long n, int vectors) { squared_norm(partial, x, n, vectors); }
KERNEL(THREADS, squared_norm_bf16, double *partial, const bf16 *x, long long n, int vectors) { squared_norm(partial, x, n, vectors); }

KERNEL(THREADS, squared_norm_total, float *out, const double *partial, int n) {
	SHARED(double, scratch, WARPS);
	double sum = 0;
	for (int i = threadIdx.x; i < n; i += THREADS) sum += partial[i];
	sum = block_sum(sum, scratch, THREADS);
	if (threadIdx.x == 0) out[0] = (float)sum;
}

// Adam with decoupled weight decay (Loshchilov and Hutter 2019). step is LR/(1 − β₁ᵏ), spread is 1/√(1 − β₂ᵏ).
KERNEL(THREADS, adamw, float *param, const float *grad, float *m, float *v, bf16 *low, long long n, float decay, float beta1, float beta2,
	float step, float spread, float eps, float grad_scale, int vectors) {
	const int W = 4;
	for (long long i = ((long long)blockIdx.x * THREADS + threadIdx.x) * W; i < n; i += (long long)gridDim.x * THREADS * W) {
		int count = clip(n - i);
		float p[W], g[W], mean[W], square[W];
		load_packet(p, param + i, count, vectors);
		load_packet(g, grad + i, count, vectors);
		load_packet(mean, m + i, count, vectors);
		load_packet(square, v + i, count, vectors);
#pragma unroll
		for (int k = 0; k < W; k++) {
			float gk = grad_scale * g[k];
			p[k] -= decay * p[k];
			mean[k] = beta1 * mean[k] + (1.0f - beta1) * gk;
			square[k] = beta2 * square[k] + (1.0f - beta2) * gk * gk;
			p[k] -= step * mean[k] / (sqrtf(square[k]) * spread + eps);
		}
		store_packet(param + i, p, count, vectors);
		store_packet(m + i, mean, count, vectors);
		store_packet(v + i, square, count, vectors);
		if (low && vectors && count >= W) *(uint2 *)(low + i) = make_uint2(pack(p[0], p[1]), pack(p[2], p[3])); // half a packet
		else if (low)
#pragma unroll
			for (int k = 0; k < W; k++)
				if (k < count) low[i + k] = narrow<bf16>(p[k]);
	}
}

// Adds the chunks' column sums to a gradient, in ascending order. partial's rows are stride long.
KERNEL(COLUMN_THREADS, column_add, float *sum, const float *partial, int chunks, int cols, int stride) {
	int col = blockIdx.x * COLUMN_THREADS + threadIdx.x;
	if (col >= cols) return;
	float total = 0;
	for (int c = 0; c < chunks; c++) total += partial[(long long)c * stride + col];
	sum[col] += total;
}
