// Gathering rows of a table and scattering their gradients back; rows to and from key–value caches.
// A warp takes a row.
#include "common.cuh"

namespace embedding_cu {

const int THREADS = 256, WARPS = THREADS / 32;

__device__ __forceinline__ int warp_row() { return blockIdx.x * WARPS + threadIdx.x / 32; }

template <class T> __device__ __forceinline__ void copy_row(T *to, const T *from, int cols, int vectors) {
	const int W = Packet<T>::width;
	for (int c = threadIdx.x % 32 * W; c < cols; c += 32 * W) {
		float v[W];
		load_packet(v, from + c, clip(cols - c), vectors);
		store_packet(to + c, v, clip(cols - c), vectors);
	}
}

template <class T> __device__ __forceinline__ void embed(
	T *out, const T *table, const int *ids, const T *add, int n, int vocabulary, int cols, int vectors, int *fault) {
	int row = warp_row();
	if (row >= n) return;
	int id = ids[row], lane = threadIdx.x % 32;
	if (id < 0 || id >= vocabulary) {
		if (lane == 0) report_fault(fault, FAULT_EMBED, row, id);
		return;
	}
	const int W = Packet<T>::width;
	const T *from = table + (long long)id * cols;
	long long at = (long long)row * cols;
	for (int c = lane * W; c < cols; c += 32 * W) {
		float v[W];
		load_packet(v, from + c, clip(cols - c), vectors);
		if (add) {
			float w[W];
			load_packet(w, add + at + c, clip(cols - c), vectors);
#pragma unroll
			for (int k = 0; k < W; k++) v[k] += w[k];
		}
		store_packet(out + at + c, v, clip(cols - c), vectors);
	}
}

// The first token with an id owns the id's row of the table, and adds the gradients of all that follow along the chain. A warp takes
// a packet a lane: a frequent token's chain is long, and walked by as many warps at once as its row has packets for.
template <class T> __device__ __forceinline__ void embed_backward(
	float *dtable, const T *dout, const int *ids, const int *next, const int *later, int n, int cols, int vectors) {
	const int W = Packet<T>::width;
	int row = warp_row(), c = (blockIdx.y * 32 + threadIdx.x % 32) * W;
	if (row >= n || c >= cols || later[row]) return;
	float *to = dtable + (long long)ids[row] * cols + c;
	int count = clip(cols - c);
	float sum[W];
#pragma unroll
	for (int k = 0; k < W; k++) sum[k] = k < count ? to[k] : 0.0f;
	for (int i = row; i >= 0;) {
		float v[W];
		load_packet(v, dout + (long long)i * cols + c, count, vectors);
		i = next[i];
#pragma unroll
		for (int k = 0; k < W; k++) sum[k] += v[k];
	}
#pragma unroll
	for (int k = 0; k < W; k++)
		if (k < count) to[k] = sum[k];
}

template <class T> __device__ __forceinline__ void put_rows(
	T *dst, const T *src, const int *at, int n, int cols, long long dst_stride, long long src_stride, int dst_rows, int vectors, int *fault) {
	int row = warp_row();
	if (row >= n || at[row] < 0) return;
	if (at[row] >= dst_rows) {
		if (threadIdx.x % 32 == 0) report_fault(fault, FAULT_PUT_ROWS, row, at[row]);
		return;
	}
	copy_row(dst + at[row] * dst_stride, src + row * src_stride, cols, vectors);
}

template <class T> __device__ __forceinline__ void get_rows(
	T *dst, const T *src, const int *at, int n, int cols, long long dst_stride, long long src_stride, int src_rows, int vectors, int *fault) {
	int row = warp_row();
	if (row >= n) return;
	if (at[row] >= src_rows) {
		if (threadIdx.x % 32 == 0) report_fault(fault, FAULT_GET_ROWS, row, at[row]);
		return;
	}
	T *to = dst + row * dst_stride;
	if (at[row] < 0) {
		for (int c = threadIdx.x % 32; c < cols; c += 32) to[c] = narrow<T>(0.0f);
		return;
	}
	copy_row(to, src + at[row] * src_stride, cols, vectors);
}

} // namespace embedding_cu
using namespace embedding_cu;

// For every token the next one with the same id (−1: none), by a warp that looks ahead 32 tokens at a time, and
// for every token whether one with the same id came earlier. later must be zeroed before.
KERNEL(THREADS, embed_links, int *next, int *later, const int *ids, int n, int vocabulary, int *fault) {
	int row = warp_row(), lane = threadIdx.x % 32;
	if (row >= n) return;
	int id = ids[row], found = -1;
	bool valid = id >= 0 && id < vocabulary;
	if (!valid && lane == 0) report_fault(fault, FAULT_EMBED_BACKWARD, row, id);
	for (int i = row + 1; valid && i < n && found < 0; i += 32) {
		unsigned hits = __ballot_sync(ALL_LANES, i + lane < n && ids[i + lane] == id);
		if (hits) found = i + __ffs((int)hits) - 1;
	}
	if (lane != 0) return;
	next[row] = found;
	if (found >= 0) later[found] = 1;
	if (!valid) later[row] = 1;
}

#define EMBEDDING(suffix, T) \
	KERNEL(THREADS, embed_##suffix, T *out, const T *table, const int *ids, const T *add, int n, int vocabulary, int cols, int vectors, \
		int *fault) { \
		embed(out, table, ids, add, n, vocabulary, cols, vectors, fault); \
	} \
	KERNEL(THREADS, embed_backward_##suffix, float *dtable, const T *dout, const int *ids, const int *next, const int *later, int n, int cols, \
		int vectors) { \
		embed_backward(dtable, dout, ids, next, later, n, cols, vectors); \
	} \
	KERNEL(THREADS, put_rows_##suffix, T *dst, const T *src, const int *at, int n, int cols, long long dst_stride, long long src_stride, \
		int dst_rows, int vectors, int *fault) { \
		put_rows(dst, src, at, n, cols, dst_stride, src_stride, dst_rows, vectors, fault); \
	} \
	KERNEL(THREADS, get_rows_##suffix, T *dst, const T *src, const int *at, int n, int cols, long long dst_stride, long long src_stride, \
		int src_rows, int vectors, int *fault) { \
		get_rows(dst, src, at, n, cols, dst_stride, src_stride, src_rows, vectors, fault); \
	}

EMBEDDING(f32, float)
EMBEDDING(bf16, bf16)
