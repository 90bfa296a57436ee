// CUDA C++ as far as the kernels use it, for g++ and the emulated device. The kernels' own common.cuh includes this
// in place of CUDA's headers.
#ifndef DMTRAIN_EMU_CUDA_H
#define DMTRAIN_EMU_CUDA_H

#if defined(__clang__) || !defined(__SANITIZE_THREAD__)
#error "the emulated device needs g++ and -fsanitize=thread"
#endif

#include "emu.h"

#include <math.h>
#include <string.h>

#include <type_traits>
#include <utility>

// The calls that -fsanitize=thread makes go to this runtime, under names of its own: Go's race detector brings
// some of ThreadSanitizer's.
#define EMU_HOOK(n) \
	".set __tsan_read" #n ", emu_read" #n "\n.set __tsan_write" #n ", emu_write" #n "\n" \
	".set __tsan_unaligned_read" #n ", emu_unaligned_read" #n "\n.set __tsan_unaligned_write" #n ", emu_unaligned_write" #n "\n"
__asm__(EMU_HOOK(1) EMU_HOOK(2) EMU_HOOK(4) EMU_HOOK(8) EMU_HOOK(16)
	".set __tsan_read_range, emu_read_range\n.set __tsan_write_range, emu_write_range\n"
	".set __tsan_atomic8_load, emu_atomic8_load\n"
	".set __tsan_func_entry, emu_nothing\n.set __tsan_func_exit, emu_nothing\n.set __tsan_init, emu_nothing\n");

#define __device__
#define __forceinline__ inline __attribute__((always_inline))

#define threadIdx (emu_here->thread)
#define blockIdx (emu_here->block)
#define blockDim (emu_here->block_dim)
#define gridDim (emu_here->grid_dim)

#define EMU_STRING_OF(x) #x
#define EMU_STRING(x) EMU_STRING_OF(x)
#define EMU_WAIT(call, ...) \
	do { \
		static emu_site site_ = {__FILE__ ":" EMU_STRING(__LINE__), 0, 0, 0}; \
		call(__VA_ARGS__ &site_); \
	} while (0)
#define __syncthreads() EMU_WAIT(emu_syncthreads, )
#define __syncwarp() EMU_WAIT(emu_syncwarp, )

typedef emu_dim dim3;
struct alignas(8) float2 { float x, y; };
struct alignas(16) float4 { float x, y, z, w; };
struct alignas(8) int2 { int x, y; };
struct alignas(16) int4 { int x, y, z, w; };
struct alignas(8) uint2 { unsigned x, y; };
struct alignas(16) uint4 { unsigned x, y, z, w; };
inline float2 make_float2(float x, float y) { return {x, y}; }
inline float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }
inline int4 make_int4(int x, int y, int z, int w) { return {x, y, z, w}; }
inline uint2 make_uint2(unsigned x, unsigned y) { return {x, y}; }
inline uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w) { return {x, y, z, w}; }

template <class T> inline T min(T a, T b) { return b < a ? b : a; }
template <class T> inline T max(T a, T b) { return a < b ? b : a; }
inline float rsqrtf(float x) { return 1.0f / sqrtf(x); }
inline unsigned __umulhi(unsigned a, unsigned b) { return (unsigned)((unsigned long long)a * b >> 32); }
inline float __uint_as_float(unsigned u) { float f; memcpy(&f, &u, 4); return f; }
inline unsigned __float_as_uint(float f) { unsigned u; memcpy(&u, &f, 4); return u; }
inline int __popc(unsigned u) { return __builtin_popcount(u); }
inline int __ffs(int u) { return __builtin_ffs(u); }

inline int atomicCAS(int *p, int compare, int value) { return emu_atomic_cas(p, compare, value); }

struct __nv_bfloat16 { unsigned short bits; };
inline float __bfloat162float(__nv_bfloat16 v) { return __uint_as_float((unsigned)v.bits << 16); }
inline __nv_bfloat16 __float2bfloat16_rn(float f) {
	unsigned u = __float_as_uint(f);
	if ((u & 0x7fffffffu) > 0x7f800000u) return {0x7fff}; // NaN, as the hardware gives it
	return {(unsigned short)((u + 0x7fffu + (u >> 16 & 1)) >> 16)};
}

namespace emu {

// Arguments arrive in 64-bit slots, as the driver API's launch reads them.
template <class T> inline T argument(uint64_t slot) {
	T v;
	memcpy(&v, &slot, sizeof v);
	return v;
}

template <class... A, size_t... I> inline void call(void (*kernel)(A...), const uint64_t *args, std::index_sequence<I...>) {
	kernel(argument<A>(args[I])...);
}

template <class... A> constexpr int count(void (*)(A...)) { return (int)sizeof...(A); }

template <class... A> inline void call(void (*kernel)(A...), const uint64_t *args) {
	call(kernel, args, std::index_sequence_for<A...>());
}

struct Registration {
	Registration(const char *name, int threads, int args, emu_entry entry) { emu_register(name, threads, args, entry); }
};

struct Shuffle {
	uint64_t value, result;
	int source;
};

inline void shuffle(void *const lanes[32]) {
	for (int i = 0; i < 32; i++) {
		Shuffle *s = (Shuffle *)lanes[i];
		s->result = ((Shuffle *)lanes[s->source])->value;
	}
}

template <class T> inline T exchange(unsigned lanes, T value, int source) {
	static_assert(sizeof(T) <= 8 && std::is_trivially_copyable<T>::value, "shuffles move 32 or 64 bits");
	if (lanes != 0xffffffffu) emu_fault("a shuffle of part of a warp");
	Shuffle s = {0, 0, source};
	memcpy(&s.value, &value, sizeof value);
	emu_collective("shuffle", shuffle, &s);
	memcpy(&value, &s.result, sizeof value);
	return value;
}

struct Vote {
	bool value;
	unsigned result;
};

inline void vote(void *const lanes[32]) {
	unsigned all = 0;
	for (int i = 0; i < 32; i++) all |= (unsigned)((Vote *)lanes[i])->value << i;
	for (int i = 0; i < 32; i++) ((Vote *)lanes[i])->result = all;
}

} // namespace emu

// The source lane outside the warp is the lane itself.
template <class T> inline T __shfl_sync(unsigned lanes, T v, int source) { return emu::exchange(lanes, v, source & 31); }
template <class T> inline T __shfl_xor_sync(unsigned lanes, T v, int mask) { return emu::exchange(lanes, v, (int)emu_here->lane ^ (mask & 31)); }
template <class T> inline T __shfl_down_sync(unsigned lanes, T v, unsigned delta) {
	unsigned source = emu_here->lane + delta;
	return emu::exchange(lanes, v, (int)(source < 32 ? source : emu_here->lane));
}
template <class T> inline T __shfl_up_sync(unsigned lanes, T v, unsigned delta) {
	unsigned lane = emu_here->lane;
	return emu::exchange(lanes, v, (int)(delta <= lane ? lane - delta : lane));
}
inline unsigned __ballot_sync(unsigned lanes, bool p) {
	if (lanes != 0xffffffffu) emu_fault("a vote of part of a warp");
	emu::Vote v = {p, 0};
	emu_collective("vote", emu::vote, &v);
	return v.result;
}
inline bool __any_sync(unsigned lanes, bool p) { return __ballot_sync(lanes, p) != 0; }
inline bool __all_sync(unsigned lanes, bool p) { return __ballot_sync(lanes, p) == 0xffffffffu; }

// A kernel announces itself by name, so that it can be launched as from a loaded module.
#define KERNEL(threads, name, ...) \
	extern "C" void name(__VA_ARGS__); \
	static const emu::Registration name##_registration( \
		#name, threads, emu::count(name), [](const uint64_t *args) { emu::call(name, args); }); \
	extern "C" void name(__VA_ARGS__)

#define KERNEL_RESIDENT(threads, blocks, name, ...) KERNEL(threads, name, __VA_ARGS__)

// Shared memory of a block: an array declared in place, and the part whose size the launch gives.
#define SHARED(type, name, count) \
	static const size_t name##_place = emu_shared_static(sizeof(type) * (count), 16); \
	type(&name)[count] = *(type(*)[count])emu_shared_at(name##_place)
#define SHARED_DYNAMIC(type, name) type *name = (type *)emu_shared_dynamic()

#endif
