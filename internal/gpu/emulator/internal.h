// What the parts of the emulated device know of each other.
#ifndef DMTRAIN_EMU_INTERNAL_H
#define DMTRAIN_EMU_INTERNAL_H

#include "emu.h"

enum {
	EMU_MAX_THREADS = 1024,
	EMU_WARP = 32,
	EMU_STACK = 128 << 10,
	// The smallest shared memory a block may have on the GPUs the kernels are made for (compute capability 8.6).
	EMU_SHARED_LIMIT = 99 << 10,
	EMU_SHARED_STATIC = 8 << 20, // places of all declarations of all kernels together
	EMU_PENDING = 256,
};

enum emu_state { EMU_READY, EMU_AT_BARRIER, EMU_AT_WARP, EMU_DONE };

typedef struct {
	void *shared;
	const void *global;
	int bytes, group;
} emu_copy;

typedef struct {
	void *sp;
	enum emu_state state;
	emu_place place;
	uint32_t index, warp; // linear thread index, and its warp
	emu_site *site;       // where it waits
	const char *waits_for;
	emu_copy *pending;
	int pending_count, group;
} emu_thread;

typedef struct {
	uint32_t epoch; // __syncwarp calls so far
	int arrived;
	const char *name;
	void *operands[EMU_WARP];
} emu_warp;

// The block being run.
typedef struct {
	const char *kernel;
	uint32_t serial, launch_serial; // of this block, and of the launch's first block
	uint32_t epoch;                 // __syncthreads calls so far
	uint32_t count;                 // threads
	size_t shared_bytes;
	emu_thread *self;
	emu_warp warps[EMU_MAX_THREADS / EMU_WARP];
	int faulted;
} emu_block;

extern emu_block emu_now;
extern emu_thread emu_threads[EMU_MAX_THREADS];

void emu_yield(void);
int emu_on_stack(uintptr_t p);

// Memory.
int emu_memory_open(size_t bytes);
void emu_on_read(uintptr_t p, size_t n);
void emu_on_write(uintptr_t p, size_t n);
void emu_on_copy(uintptr_t p, size_t n);      // to shared memory, begun but not done
void emu_on_warp_read(uintptr_t p, size_t n); // by the whole warp: even one's own write must be behind a __syncwarp

#endif
