// What all kernels share: the two machines they are compiled for, numbers, packets, sums over warps and blocks, random
// draws, and the few instructions that C++ has no words for.
//
// The same source goes to nvcc, which makes PTX for real devices, and to g++ with DMTRAIN_EMULATED, which makes the emulated
// device's code. Inline PTX stands in this file only, each wrapper beside its emulated form.
//
// Conventions
//   - A kernel's arguments are addresses, int, long long and float, one 64-bit slot each.
//   - Shapes come in elements; rows are counted in int, elements of a whole matrix in long long.
//   - "vectors" tells a kernel that addresses and strides allow accesses of 16 bytes. It changes how memory is read
//     and written, never which thread computes what: results have the same bits either way.
//   - Sums have an order that the shape alone decides. No atomic operation touches a result.
#pragma once

#ifdef DMTRAIN_EMULATED
#include "emu_cuda.h"
#else
#include <cuda_bf16.h>
#define KERNEL(threads, name, ...) extern "C" __global__ void __launch_bounds__(threads) name(__VA_ARGS__)
// KERNEL_RESIDENT also says how many blocks a processor must hold at once: the compiler keeps to the registers that leaves.
#define KERNEL_RESIDENT(threads, blocks, name, ...) extern "C" __global__ void __launch_bounds__(threads, blocks) name(__VA_ARGS__)
#define SHARED(type, name, count) __shared__ __align__(16) type name[count]
#define SHARED_DYNAMIC(type, name) \
	extern __shared__ __align__(16) unsigned char dynamic_shared[]; \
	type *name = (type *)dynamic_shared
#endif

typedef __nv_bfloat16 bf16;

const unsigned ALL_LANES = 0xffffffffu;
const float LOG2E = 1.4426950408889634f, LN2 = 0.6931471805599453f;
const float MINUS_INFINITY = -__builtin_huge_valf();

__device__ __forceinline__ float widen(float v) { return v; }
__device__ __forceinline__ float widen(bf16 v) { return __bfloat162float(v); }

template <class T> __device__ __forceinline__ T narrow(float v);
template <> __device__ __forceinline__ float narrow<float>(float v) { return v; }
template <> __device__ __forceinline__ bf16 narrow<bf16>(float v) { return __float2bfloat16_rn(v); }

// Two bfloat16 in a register, the first in the low half, as fragments and memory have them.
__device__ __forceinline__ unsigned pack(float first, float second) {
#ifdef DMTRAIN_EMULATED
	return __float2bfloat16_rn(first).bits | (unsigned)__float2bfloat16_rn(second).bits << 16;
#else
	unsigned r;
	asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(r) : "f"(second), "f"(first));
	return r;
#endif
}

// 2ˣ to 2 units in the last place; what would be denormal is 0.
__device__ __forceinline__ float fast_exp2(float x) {
#ifdef DMTRAIN_EMULATED
	float y = exp2f(x);
	return y < 0x1p-126f ? 0.0f : y;
#else
	float y;
	asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
	return y;
#endif
}

// Packets: 16 bytes of a row, as float32 in registers.

template <class T> struct Packet {
	static const int width = 16 / (int)sizeof(T);
};

__device__ __forceinline__ void unpack(float (&v)[4], uint4 u) {
	v[0] = __uint_as_float(u.x), v[1] = __uint_as_float(u.y), v[2] = __uint_as_float(u.z), v[3] = __uint_as_float(u.w);
}

__device__ __forceinline__ void unpack(float (&v)[8], uint4 u) {
	const unsigned w[4] = {u.x, u.y, u.z, u.w};
#pragma unroll
	for (int i = 0; i < 4; i++) v[2 * i] = __uint_as_float(w[i] << 16), v[2 * i + 1] = __uint_as_float(w[i] & 0xffff0000u);
}

__device__ __forceinline__ uint4 repack(const float (&v)[4]) {
	return make_uint4(__float_as_uint(v[0]), __float_as_uint(v[1]), __float_as_uint(v[2]), __float_as_uint(v[3]));
}

__device__ __forceinline__ uint4 repack(const float (&v)[8]) {
	return make_uint4(pack(v[0], v[1]), pack(v[2], v[3]), pack(v[4], v[5]), pack(v[6], v[7]));
}

__device__ __forceinline__ uint4 read16(const void *p) {
#ifdef DMTRAIN_EMULATED
	emu_check_aligned(p, 16);
#endif
	return *(const uint4 *)p;
}

__device__ __forceinline__ void write16(void *p, uint4 u) {
#ifdef DMTRAIN_EMULATED
	emu_check_aligned(p, 16);
#endif
	*(uint4 *)p = u;
}

// Reads the first n elements of a packet at p; the others are 0.
template <class T, int W> __device__ __forceinline__ void load_packet(float (&v)[W], const T *p, int n, int vectors) {
	static_assert(W == Packet<T>::width, "a packet has 16 bytes");
	if (vectors && n >= W) {
		unpack(v, read16(p));
		return;
	}
#pragma unroll
	for (int i = 0; i < W; i++) v[i] = i < n ? widen(p[i]) : 0.0f;
}

template <class T, int W> __device__ __forceinline__ void store_packet(T *p, const float (&v)[W], int n, int vectors) {
	static_assert(W == Packet<T>::width, "a packet has 16 bytes");
	if (vectors && n >= W) {
		write16(p, repack(v));
		return;
	}
#pragma unroll
	for (int i = 0; i < W; i++)
		if (i < n) p[i] = narrow<T>(v[i]);
}

// How many of a packet's elements lie before the end.
__device__ __forceinline__ int clip(long long left) { return left < 16 ? (int)left : 16; }

// Sums over a warp and over a block; every thread gets the result.

template <class V> __device__ __forceinline__ V warp_sum(V v) {
#pragma unroll
	for (int m = 16; m; m /= 2) v += __shfl_xor_sync(ALL_LANES, v, m);
	return v;
}

// scratch has room for a value a warp, and is not used for anything else until the next barrier.
template <class V> __device__ __forceinline__ V block_sum(V v, V *scratch, int threads) {
	v = warp_sum(v);
	int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
	if (lane == 0) scratch[warp] = v;
	__syncthreads();
	return warp_sum(lane < threads / 32 ? scratch[lane] : (V)0);
}

// GELU in its tanh form (Hendrycks and Gimpel 2016), and its slope.

const float GELU_SCALE = 0.7978845608028654f, GELU_CUBIC = 0.044715f;

// How much of x passes: ½·(1 + tanh u) = 1/(1 + exp(−2u)), which has no cancellation on the left.
__device__ __forceinline__ float gelu_gate(float x) {
	return 1.0f / (1.0f + fast_exp2(-2.0f * LOG2E * GELU_SCALE * (x + GELU_CUBIC * x * x * x)));
}

__device__ __forceinline__ float gelu(float x) { return x * gelu_gate(x); }

__device__ __forceinline__ float gelu_slope(float x) {
	float gate = gelu_gate(x);
	float inner = GELU_SCALE * (1.0f + 3.0f * GELU_CUBIC * x * x);
	float bend = gate * (1.0f - gate); // 0 far out, where x·inner may be infinite
	return gate + (bend == 0.0f ? 0.0f : 2.0f * x * bend * inner);
}

// Random draws: Philox4x32-10 (Salmon et al. 2011), the same bits as package rng's.

struct Draw {
	unsigned seed_low, seed_high, step, first;
};

__device__ __forceinline__ Draw read_draw(const int *words) {
	return {(unsigned)words[0], (unsigned)words[1], (unsigned)words[2], (unsigned)words[3]};
}

__device__ __forceinline__ uint4 philox(const Draw &d, unsigned purpose, unsigned line, unsigned quad) {
	uint4 c = make_uint4(quad, line, d.step, purpose);
	unsigned k0 = d.seed_low, k1 = d.seed_high;
#pragma unroll
	for (int round = 0; round < 10; round++) {
		unsigned a_high = __umulhi(0xD2511F53u, c.x), a_low = 0xD2511F53u * c.x;
		unsigned b_high = __umulhi(0xCD9E8D57u, c.z), b_low = 0xCD9E8D57u * c.z;
		c = make_uint4(b_high ^ c.y ^ k0, b_low, a_high ^ c.w ^ k1, a_low);
		k0 += 0x9E3779B9u;
		k1 += 0xBB67AE85u;
	}
	return c;
}

__device__ __forceinline__ float unit(unsigned draw) { return (float)(draw >> 8) * 0x1p-24f; }

__device__ __forceinline__ unsigned word(uint4 u, int i) { return i < 2 ? (i == 0 ? u.x : u.y) : (i == 2 ? u.z : u.w); }

// Faults that a kernel finds in its inputs. The first is kept; the host reads it when it syncs.

enum FaultCode { FAULT_EMBED = 1, FAULT_EMBED_BACKWARD, FAULT_PUT_ROWS, FAULT_GET_ROWS, FAULT_CROSS_ENTROPY };

__device__ __forceinline__ void report_fault(int *fault, int code, int at, int value) {
	if (atomicCAS(fault, 0, code) == 0) {
		fault[1] = at;
		fault[2] = value;
	}
}

// Tensor cores and asynchronous copies (PTX ISA: mma.sync, ldmatrix, cp.async).

// c += a·b for a 16×16 and b 16×8 of bfloat16, c 16×8 of float32, spread over the warp's lanes.
__device__ __forceinline__ void mma(float (&c)[4], const unsigned (&a)[4], unsigned b0, unsigned b1) {
#ifdef DMTRAIN_EMULATED
	emu_mma_operands o = {{a[0], a[1], a[2], a[3]}, {b0, b1}, {c[0], c[1], c[2], c[3]}};
	emu_mma_m16n8k16_bf16(&o);
	for (int i = 0; i < 4; i++) c[i] = o.c[i];
#else
	asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
		: "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
		: "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
#endif
}

#ifndef DMTRAIN_EMULATED
__device__ __forceinline__ unsigned shared_address(const void *p) { return (unsigned)__cvta_generic_to_shared(p); }
#endif

// Four 8×8 matrices of bfloat16 from shared memory; lane l gives the address of row l%8 of matrix l/8.
__device__ __forceinline__ void ldmatrix(unsigned (&r)[4], const bf16 *row) {
#ifdef DMTRAIN_EMULATED
	emu_ldmatrix(r, 4, 0, row);
#else
	asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
		: "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]) : "r"(shared_address(row)) : "memory");
#endif
}

__device__ __forceinline__ void ldmatrix_transposed(unsigned (&r)[4], const bf16 *row) {
#ifdef DMTRAIN_EMULATED
	emu_ldmatrix(r, 4, 1, row);
#else
	asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
		: "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]) : "r"(shared_address(row)) : "memory");
#endif
}

// Copies 16 bytes to shared memory in the background; bytes that are not wanted become 0.
__device__ __forceinline__ void copy_async(void *to, const void *from, bool wanted) {
#ifdef DMTRAIN_EMULATED
	emu_cp_async16(to, from, wanted ? 16 : 0);
#else
	asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(shared_address(to)), "l"(from), "r"(wanted ? 16 : 0) : "memory");
#endif
}

// Closes a group of copies.
__device__ __forceinline__ void copy_commit() {
#ifdef DMTRAIN_EMULATED
	emu_cp_async_commit();
#else
	asm volatile("cp.async.commit_group;" ::: "memory");
#endif
}

// Waits for this thread's own copies, all but the newest so many groups. Others see them after a barrier.
#ifdef DMTRAIN_EMULATED
#define COPY_WAIT(groups) EMU_WAIT(emu_cp_async_wait, groups, )
#else
#define COPY_WAIT(groups) asm volatile("cp.async.wait_group %0;" ::"n"(groups) : "memory")
#endif
