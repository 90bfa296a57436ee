// Softmax cross-entropy, and what else one pass over the vocabulary yields. A block takes a row of logits.
#include "common.cuh"

namespace loss_cu {

const int THREADS = 256, WIDE_THREADS = 768;

// What some of a row's logits say together, relative to the largest of them.
struct Summary {
	float largest, second; // second may equal largest
	float sum, slope;      // Σ exp(x − largest), Σ exp(x − largest)·(x − largest)
	int argmax;            // the first index of the largest
};

__device__ __forceinline__ Summary nothing() { return {MINUS_INFINITY, MINUS_INFINITY, 0.0f, 0.0f, 0x7fffffff}; }

// What lies further below the largest weighs nothing.
const float FAR = -200.0f;

// Takes in W neighbours, of which the first has an index. Indices rise from call to call, so the first of equal logits is kept.
template <int W> __device__ __forceinline__ void include(Summary &s, const float (&x)[W], int index) {
	float before = s.largest;
#pragma unroll
	for (int k = 0; k < W; k++) {
		s.second = fmaxf(s.second, fminf(s.largest, x[k]));
		s.argmax = x[k] > s.largest ? index + k : s.argmax;
		s.largest = fmaxf(s.largest, x[k]);
	}
	float base = s.largest == MINUS_INFINITY ? 0.0f : s.largest;
	float by = before == s.largest ? 0.0f : fmaxf(before - base, FAR), shrink = expf(by);
	s.slope = shrink * (s.slope + s.sum * by);
	s.sum *= shrink;
#pragma unroll
	for (int k = 0; k < W; k++) {
		float below = x[k] == base ? 0.0f : x[k] - base, e = expf(below); // NaN stays NaN and spoils the sum, as it should
		s.sum += e;
		s.slope += e * fmaxf(below, FAR);
	}
}

// Brings a summary to a larger maximum.
__device__ __forceinline__ void rebase(Summary &s, float largest) {
	float by = s.largest - largest, shrink = expf(by);
	if (s.sum == 0.0f) return;
	s.slope = shrink == 0.0f ? 0.0f : shrink * (s.slope + s.sum * by);
	s.sum *= shrink;
}

__device__ __forceinline__ Summary merge(Summary a, Summary b) {
	bool b_leads = b.largest > a.largest || (b.largest == a.largest && b.argmax < a.argmax);
	Summary lead = b_leads ? b : a, other = b_leads ? a : b;
	rebase(other, lead.largest);
	return {lead.largest, fmaxf(lead.second, other.largest), lead.sum + other.sum, lead.slope + other.slope, lead.argmax};
}

__device__ __forceinline__ Summary merge_warp(Summary s) {
#pragma unroll
	for (int m = 16; m; m /= 2) {
		Summary o;
		o.largest = __shfl_xor_sync(ALL_LANES, s.largest, m);
		o.second = __shfl_xor_sync(ALL_LANES, s.second, m);
		o.sum = __shfl_xor_sync(ALL_LANES, s.sum, m);
		o.slope = __shfl_xor_sync(ALL_LANES, s.slope, m);
		o.argmax = __shfl_xor_sync(ALL_LANES, s.argmax, m);
		bool low = (threadIdx.x & m) == 0; // both sides merge in the same order
		s = merge(low ? s : o, low ? o : s);
	}
	return s;
}

template <int THREADS, class T> __device__ __forceinline__ void cross_entropy(const T *logits, const int *targets, int vocabulary, int stride, float *nll,
	float *conf, float *entropy, float *margin, int *argmax, T *dlogits, const float *scale, float smoothing, int vectors, int *fault) {
	const int WARPS = THREADS / 32, W = Packet<T>::width;
	SHARED(Summary, parts, WARPS);
	int row = blockIdx.x, target = targets[row];
	logits += (long long)row * stride;
	if (target < -1 || target >= vocabulary) {
		if (threadIdx.x == 0) report_fault(fault, FAULT_CROSS_ENTROPY, row, target);
		return;
	}
	Summary s = nothing();
	for (int v = threadIdx.x * W; v < vocabulary; v += THREADS * W) {
		float x[W];
		load_packet(x, logits + v, clip(vocabulary - v), vectors);
#pragma unroll
		for (int k = 0; k < W; k++) x[k] = v + k < vocabulary ? x[k] : MINUS_INFINITY;
		include(s, x, v);
	}
	s = merge_warp(s);
	if (threadIdx.x % 32 == 0) parts[threadIdx.x / 32] = s;
	float at_target = target >= 0 ? widen(logits[target]) : 0.0f;
	__syncthreads();
	s = merge_warp(threadIdx.x % 32 < WARPS ? parts[threadIdx.x % 32] : nothing());
	float log_sum = logf(s.sum);
	if (threadIdx.x == 0) {
		if (nll) nll[row] = target >= 0 ? log_sum - (at_target - s.largest) : 0.0f;
		if (conf) conf[row] = 1.0f / s.sum;
		if (entropy) entropy[row] = log_sum - s.slope / s.sum;
		if (margin) margin[row] = (1.0f - expf(s.second - s.largest)) / s.sum;
		if (argmax) argmax[row] = s.argmax < vocabulary ? s.argmax : 0; // all NaN
	}
	if (!dlogits) return;
	dlogits += (long long)row * stride;
	float by = target >= 0 ? scale[0] : 0.0f, spread = smoothing / (float)vocabulary, peak = 1.0f - smoothing + spread, inverse = 1.0f / s.sum;
	for (int v = threadIdx.x * W; v < stride; v += THREADS * W) {
		float g[W] = {};
		if (target >= 0) {
			load_packet(g, logits + v, clip(vocabulary - v), vectors);
#pragma unroll
			for (int k = 0; k < W; k++)
				g[k] = v + k < vocabulary ? (expf(g[k] - s.largest) * inverse - (v + k == target ? peak : spread)) * by : 0.0f;
		}
		store_packet(dlogits + v, g, clip(stride - v), vectors);
	}
}

} // namespace loss_cu
using namespace loss_cu;

#define LOSS(name, THREADS, T) \
	KERNEL(THREADS, name, const T *logits, const int *targets, int vocabulary, int stride, float *nll, float *conf, float *entropy, float *margin, \
		int *argmax, T *dlogits, const float *scale, float smoothing, int vectors, int *fault) { \
		cross_entropy<THREADS>(logits, targets, vocabulary, stride, nll, conf, entropy, margin, argmax, dlogits, scale, smoothing, vectors, fault); \
	}

LOSS(cross_entropy_f32, THREADS, float)
LOSS(cross_entropy_bf16, THREADS, bf16)
// For long rows: so few are read at a time that the second reading finds them in a cache.
LOSS(cross_entropy_wide_f32, WIDE_THREADS, float)
LOSS(cross_entropy_wide_bf16, WIDE_THREADS, bf16)
