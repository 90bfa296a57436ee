// Layer normalisation (Ba, Kiros, Hinton 2016), forward and backward. A warp takes a row: lane l has packets l, l+32, …
#include "columns.cuh"

namespace norm_cu {

const int THREADS = 256, WARPS = THREADS / 32;

// The variance is summed from differences to the mean, so that rows far from 0 keep it.
template <class T> __device__ __forceinline__ void layernorm(
	T *y, const T *x, const T *weight, const T *bias, float *mean, float *rstd, int rows, int cols, float eps, int vectors) {
	const int W = Packet<T>::width;
	int row = blockIdx.x * WARPS + threadIdx.x / 32, lane = threadIdx.x % 32;
	if (row >= rows) return;
	x += (long long)row * cols, y += (long long)row * cols;
	float sum = 0;
	for (int c = lane * W; c < cols; c += 32 * W) {
		float v[W];
		load_packet(v, x + c, clip(cols - c), vectors);
#pragma unroll
		for (int k = 0; k < W; k++) sum += v[k];
	}
	float m = warp_sum(sum) / (float)cols;
	float squares = 0;
	for (int c = lane * W; c < cols; c += 32 * W) {
		float v[W];
		load_packet(v, x + c, clip(cols - c), vectors);
#pragma unroll
		for (int k = 0; k < W; k++)
			if (c + k < cols) squares += (v[k] - m) * (v[k] - m);
	}
	float r = 1.0f / sqrtf(warp_sum(squares) / (float)cols + eps);
	for (int c = lane * W; c < cols; c += 32 * W) {
		float v[W], w[W], b[W];
		load_packet(v, x + c, clip(cols - c), vectors);
		load_packet(w, weight + c, clip(cols - c), vectors);
		load_packet(b, bias + c, clip(cols - c), vectors);
#pragma unroll
		for (int k = 0; k < W; k++) v[k] = (v[k] - m) * r * w[k] + b[k];
		store_packet(y + c, v, clip(cols - c), vectors);
	}
	if (lane == 0) mean[row] = m, rstd[row] = r;
}

// With x̂ = (x − mean)·rstd and g = dy·weight: dx = rstd·(g − mean(g) − x̂·mean(g·x̂)) + add.
template <class T> __device__ __forceinline__ void layernorm_backward(T *dx, const T *dy, const T *x, const T *weight, const float *mean,
	const float *rstd, const T *add, int rows, int cols, int vectors) {
	const int W = Packet<T>::width;
	int row = blockIdx.x * WARPS + threadIdx.x / 32, lane = threadIdx.x % 32;
	if (row >= rows) return;
	long long at = (long long)row * cols;
	float m = mean[row], r = rstd[row], sum_g = 0, sum_gx = 0;
	for (int c = lane * W; c < cols; c += 32 * W) {
		float v[W], w[W], d[W];
		load_packet(v, x + at + c, clip(cols - c), vectors);
		load_packet(w, weight + c, clip(cols - c), vectors);
		load_packet(d, dy + at + c, clip(cols - c), vectors);
#pragma unroll
		for (int k = 0; k < W; k++) {
			float g = d[k] * w[k];
			sum_g += g;
			sum_gx += g * ((v[k] - m) * r);
		}
	}
	float mean_g = warp_sum(sum_g) / (float)cols, mean_gx = warp_sum(sum_gx) / (float)cols;
	for (int c = lane * W; c < cols; c += 32 * W) {
		float v[W], w[W], d[W], a[W] = {};
		load_packet(v, x + at + c, clip(cols - c), vectors);
		load_packet(w, weight + c, clip(cols - c), vectors);
		load_packet(d, dy + at + c, clip(cols - c), vectors);
		if (add) load_packet(a, add + at + c, clip(cols - c), vectors);
#pragma unroll
		for (int k = 0; k < W; k++) v[k] = r * (d[k] * w[k] - mean_g - (v[k] - m) * r * mean_gx) + a[k];
		store_packet(dx + at + c, v, clip(cols - c), vectors);
	}
}

} // namespace norm_cu
using namespace norm_cu;

#define NORM(suffix, T) \
	KERNEL(THREADS, layernorm_##suffix, T *y, const T *x, const T *weight, const T *bias, float *mean, float *rstd, int rows, int cols, \
		float eps, int vectors) { \
		layernorm(y, x, weight, bias, mean, rstd, rows, cols, eps, vectors); \
	} \
	KERNEL(THREADS, layernorm_backward_##suffix, T *dx, const T *dy, const T *x, const T *weight, const float *mean, const float *rstd, \
		const T *add, int rows, int cols, int vectors) { \
		layernorm_backward(dx, dy, x, weight, mean, rstd, add, rows, cols, vectors); \
	} \
	KERNEL(COLUMN_THREADS, layernorm_parameters_##suffix, float *partial, const T *dy, const T *x, const float *mean, const float *rstd, \
		int rows, int cols) { \
		column_sums<2>(partial, rows, cols, [=](int row, int col, float(&v)[2]) { \
			long long at = (long long)row * cols + col; \
			float d = widen(dy[at]); \
			v[0] = d * ((widen(x[at]) - mean[row]) * rstd[row]); \
			v[1] = d; \
		}); \
	}

NORM(f32, float)
NORM(bf16, bf16)
