// Softmax cross-entropy, and what else one pass over the vocabulary yields. A block takes a row of logits.
#include "common.cuh"

namespace loss_cu {

const int THREADS = 256, WARPS = THREADS / 32;

// What some of a row's logits say together, relative to the largest of them.
struct Summary {
	float largest, second; // second may equal largest
	float sum, slope;      // Σ exp(x − largest), Σ exp(x − largest)·(x − largest)
	int argmax;            // the first index of the largest
};

__device__ __forceinline__ Summary nothing() { return {MINUS_INFINITY, MINUS_INFINITY, 0.0f, 0.0f, 0x7fffffff}; }

__device__ __forceinline__ void include(Summary &s, float x, int index) {
	if (x > s.largest) {
		if (s.sum != 0.0f) {
			float by = s.largest - x, shrink = expf(by);
			s.slope = shrink == 0.0f ? 0.0f : shrink * (s.slope + s.sum * by);
			s.sum *= shrink;
		}
		s.second = s.largest, s.largest = x, s.argmax = index;
		s.sum += 1.0f;
		return;
	}
	if (x > s.second) s.second = x;
	float by = x - s.largest, e = expf(by); // NaN stays NaN and spoils the sum, as it should
	if (x == MINUS_INFINITY) return;
	s.sum += e;
	if (e != 0.0f) s.slope += e * by;
	if (index < s.argmax && x == s.largest) s.argmax = index;
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

template <class T> __device__ __forceinline__ void cross_entropy(const T *logits, const int *targets, int vocabulary, float *nll, float *conf,
	float *entropy, float *margin, int *argmax, T *dlogits, const float *scale, float smoothing,
	int *fault) {
	SHARED(Summary, parts, WARPS);
	int row = blockIdx.x, target = targets[row];
	logits += (long long)row * vocabulary;
	if (target < -1 || target >= vocabulary) {
		if (threadIdx.x == 0) report_fault(fault, FAULT_CROSS_ENTROPY, row, target);
		return;
	}
	Summary s = nothing();
	for (int v = threadIdx.x; v < vocabulary; v += THREADS) include(s, widen(logits[v]), v);
	s = merge_warp(s);
	if (threadIdx.x % 32 == 0) parts[threadIdx.x / 32] = s;
	float at_target = target >= 0 ? widen(logits[target]) : 0.0f;
	__syncthreads();
	s = parts[0];
#pragma unroll
	for (int w = 1; w < WARPS; w++) s = merge(s, parts[w]);
	float log_sum = logf(s.sum);
	if (threadIdx.x == 0) {
		if (nll) nll[row] = target >= 0 ? log_sum - (at_target - s.largest) : 0.0f;
		if (conf) conf[row] = 1.0f / s.sum;
		if (entropy) entropy[row] = log_sum - s.slope / s.sum;
		if (margin) margin[row] = (1.0f - expf(s.second - s.largest)) / s.sum;
		if (argmax) argmax[row] = s.argmax < vocabulary ? s.argmax : 0; // all NaN
	}
	if (!dlogits) return;
	dlogits += (long long)row * vocabulary;
	float by = target >= 0 ? scale[0] : 0.0f, spread = smoothing / (float)vocabulary, peak = 1.0f - smoothing + spread;
	for (int v = threadIdx.x; v < vocabulary; v += THREADS) {
		float g = 0.0f;
		if (target >= 0) g = (expf(widen(logits[v]) - s.largest) / s.sum - (v == target ? peak : spread)) * by;
		dlogits[v] = narrow<T>(g);
	}
}

} // namespace loss_cu
using namespace loss_cu;

#define LOSS(suffix, T) \
	KERNEL(THREADS, cross_entropy_##suffix, const T *logits, const int *targets, int vocabulary, float *nll, float *conf, float *entropy, \
		float *margin, int *argmax, T *dlogits, const float *scale, float smoothing, int *fault) { \
		cross_entropy(logits, targets, vocabulary, nll, conf, entropy, margin, argmax, dlogits, scale, smoothing, fault); \
	}

LOSS(f32, float)
LOSS(bf16, bf16)
