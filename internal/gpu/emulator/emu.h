// The emulated CUDA device: what Go and the kernels see of it.
//
// One launch runs at a time, on one OS thread. Every CUDA thread of a block is a fibre; a barrier or a warp
// instruction switches fibres. Kernels are compiled with -fsanitize=thread, whose calls on every load and store
// land in this runtime instead of in ThreadSanitizer's, so that each access is checked: bounds, alignment,
// shared memory that was never written, and conflicting accesses no barrier stands between.
#ifndef DMTRAIN_EMU_H
#define DMTRAIN_EMU_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct { uint32_t x, y, z; } emu_dim;

// What a kernel may ask of the thread it runs as.
typedef struct {
	emu_dim thread, block, block_dim, grid_dim;
	uint32_t lane;
} emu_place;

extern const emu_place *emu_here;

// The device as a whole.

int emu_open(size_t memory_bytes); // 0, or errno when the address space can't be had
void emu_seed(uint64_t seed);      // orders threads, warps and blocks
void emu_memory(size_t *free_bytes, size_t *total_bytes);
uintptr_t emu_alloc(size_t bytes); // 0 when there is no room
int emu_free(uintptr_t p);         // -1 when p is no live allocation
void emu_view(uintptr_t p, size_t bytes);
void emu_strict(int on); // whether views matter
int emu_valid(uintptr_t p, size_t bytes);

typedef void (*emu_entry)(const uint64_t *args);
void emu_register(const char *name, int threads, int args, emu_entry entry);
int emu_kernel(const char *name);  // index, or -1
int emu_kernel_count(void);
const char *emu_kernel_name(int kernel);

// emu_launch runs a kernel to its end: 0, or -1 with the fault's words in emu_fault_text.
int emu_launch(int kernel, emu_dim grid, emu_dim block, size_t shared_bytes, const uint64_t *args, int arg_count);
const char *emu_fault_text(void);

// A place in the source where threads wait for each other.
typedef struct emu_site {
	const char *text; // file:line
	int seen, skip;
	struct emu_site *next;
} emu_site;

// The sites met so far, and one of them to be passed without waiting from now on ("" for none): how tests prove that
// each is needed.
int emu_site_count(void);
const char *emu_site_text(int i);
void emu_skip_site(const char *text);

// What kernels call, through emu_cuda.h.

void *emu_shared_dynamic(void);
size_t emu_shared_static(size_t bytes, size_t align); // reserves a place for one declaration, for good
void *emu_shared_at(size_t offset);
void emu_syncthreads(emu_site *site);
void emu_syncwarp(emu_site *site);
void emu_fault(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
void emu_check_aligned(const void *p, size_t bytes);
int emu_atomic_cas(int *p, int compare, int value);

// A warp instruction: every lane brings its operands, the last to come computes all results.
typedef void (*emu_exec)(void *const lanes[32]);
void emu_collective(const char *name, emu_exec exec, void *operands);

typedef struct { uint32_t a[4], b[2]; float c[4]; } emu_mma_operands; // c is also the result
void emu_mma_m16n8k16_bf16(emu_mma_operands *o);
void emu_ldmatrix(uint32_t *out, int count, int transpose, const void *row);

void emu_cp_async16(void *shared, const void *global, int bytes);
void emu_cp_async_commit(void);
void emu_cp_async_wait(int pending, emu_site *site); // until at most that many groups are pending

#ifdef __cplusplus
}
#endif
#endif
