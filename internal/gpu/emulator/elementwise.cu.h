// Elementwise operations: sum, scale, GELU and its gradient, dropout.
#include "common.cuh"

namespace elementwise_cu {

const int THREADS = 256;

__device__ __forceinline__ long long first_packet() { return (long long)blockIdx.x * THREADS + threadIdx.x; }
__device__ __forceinline__ long long packet_step() { return (long long)gridDim.x * THREADS; }

// y = f(a), packet by packet. y may be a.
template <class T, class F> __device__ __forceinline__ void map(T *y, const T *a, long long n, int vectors, F f) {
	const int W = Packet<T>::width;
	for (long long i = first_packet() * W; i < n; i += packet_step() * W) {
		float v[W];
		load_packet(v, a + i, clip(n - i), vectors);
#pragma unroll
		for (int k = 0; k < W; k++) v[k] = f(v[k]);
		store_packet(y + i, v, clip(n - i), vectors);
	}
}

// y = f(a, b). y may be either.
template <class T, class F> __device__ __forceinline__ void map(T *y, const T *a, const T *b, long long n, int vectors, F f) {
	const int W = Packet<T>::width;
	for (long long i = first_packet() * W; i < n; i += packet_step() * W) {
		float v[W], w[W];
		load_packet(v, a + i, clip(n - i), vectors);
		load_packet(w, b + i, clip(n - i), vectors);
#pragma unroll
		for (int k = 0; k < W; k++) v[k] = f(v[k], w[k]);
		store_packet(y + i, v, clip(n - i), vectors);
	}
}

// A thread takes four columns, which share a block of draws.
template <class T> __device__ __forceinline__ void dropout(
	T *y, const T *x, const int *draw_words, unsigned purpose, float rate, int rows, int cols, int lines) {
	Draw draw = read_draw(draw_words);
	float keep = 1.0f / (1.0f - rate);
	int quads = (cols + 3) / 4;
	for (long long i = first_packet(); i < (long long)rows * quads; i += packet_step()) {
		int row = (int)(i / quads), quad = (int)(i % quads);
		unsigned line = (draw.first + (unsigned)(row / lines)) * (unsigned)lines + (unsigned)(row % lines);
		uint4 draws = philox(draw, purpose, line, (unsigned)quad);
		long long at = (long long)row * cols + 4 * quad;
#pragma unroll
		for (int k = 0; k < 4; k++)
			if (4 * quad + k < cols) y[at + k] = narrow<T>(unit(word(draws, k)) < rate ? 0.0f : widen(x[at + k]) * keep);
	}
}

} // namespace elementwise_cu
using namespace elementwise_cu;

#define ELEMENTWISE(suffix, T) \
	KERNEL(THREADS, add_##suffix, T *y, const T *a, const T *b, long long n, int vectors) { \
		map(y, a, b, n, vectors, [](float u, float v) { return u + v; }); \
	} \
	KERNEL(THREADS, scale_##suffix, T *y, const T *x, long long n, float factor, int vectors) { \
		map(y, x, n, vectors, [factor](float v) { return factor * v; }); \
	} \
	KERNEL(THREADS, gelu_##suffix, T *y, const T *x, long long n, int vectors) { \
		map(y, x, n, vectors, [](float v) { return gelu(v); }); \
	} \
	KERNEL(THREADS, gelu_backward_##suffix, T *dx, const T *dy, const T *x, long long n, int vectors) { \
		map(dx, dy, x, n, vectors, [](float g, float v) { return g * gelu_slope(v); }); \
	} \
	KERNEL(THREADS, dropout_##suffix, T *y, const T *x, const int *draw, unsigned purpose, float rate, int rows, int cols, int lines) { \
		dropout(y, x, draw, purpose, rate, rows, cols, lines); \
	}

ELEMENTWISE(f32, float)
ELEMENTWISE(bf16, bf16)
