//go:build cudaemu

// Running a kernel on the emulated device: blocks one after another, the threads of a block as fibres in an order drawn from
// a seed, so that a kernel that needs a certain order shows it.

#include "fibre.h"
#include "internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
	const char *name;
	int threads, args;
	emu_entry entry;
} kernel;

static kernel kernels[512];
static int kernel_count;

static emu_copy pending[EMU_MAX_THREADS][EMU_PENDING];
static emu_entry entry;
static uint64_t entry_args[64];
static uint64_t random_state = 1;
static uint32_t next_serial = 1;
static char fault_text[512];

emu_block emu_now;
emu_thread emu_threads[EMU_MAX_THREADS];
const emu_place *emu_here;

static emu_site *sites;
static char skipped[128];

int emu_open(size_t memory_bytes) {
	if (emu_fibres_open()) return ENOMEM;
	return emu_memory_open(memory_bytes);
}

void emu_seed(uint64_t seed) { random_state = seed * 0x9E3779B97F4A7C15u | 1; }

// Marsaglia's xorshift64*.
static uint32_t draw(uint32_t below) {
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return (uint32_t)((random_state * 0x2545F4914F6CDD1Du >> 32) * below >> 32);
}

// A walk over 0 … n−1 in steps that have no factor in common with n.
typedef struct { uint32_t at, step, n; } walk;

static walk shuffled(uint32_t n) {
	uint32_t step = n > 2 ? 1 + draw(n - 1) : 1;
	for (;; step++) {
		uint32_t a = step, b = n;
		while (b) { uint32_t r = a % b; a = b; b = r; }
		if (a == 1) break;
	}
	return (walk){draw(n), step % n, n};
}

static uint32_t next(walk *w) {
	uint32_t at = w->at;
	w->at = (uint32_t)(((uint64_t)w->at + w->step) % w->n);
	return at;
}

void emu_register(const char *name, int block_threads, int args, emu_entry e) {
	if (kernel_count == sizeof kernels / sizeof *kernels) abort();
	kernels[kernel_count++] = (kernel){name, block_threads, args, e};
}

int emu_kernel_count(void) { return kernel_count; }
const char *emu_kernel_name(int i) { return kernels[i].name; }

int emu_kernel(const char *name) {
	for (int i = 0; i < kernel_count; i++)
		if (!strcmp(kernels[i].name, name)) return i;
	return -1;
}

const char *emu_fault_text(void) { return fault_text; }

void emu_yield(void) { emu_fibre_leave(&emu_now.self->sp); }

// The thread that commits the fault never runs again: the scheduler sees the flag and drops the block.
void emu_fault(const char *format, ...) {
	const emu_place *p = &emu_now.self->place;
	int n = snprintf(fault_text, sizeof fault_text, "kernel %s, block (%u,%u,%u), thread (%u,%u,%u): ", emu_now.kernel,
		p->block.x, p->block.y, p->block.z, p->thread.x, p->thread.y, p->thread.z);
	va_list args;
	va_start(args, format);
	vsnprintf(fault_text + n, sizeof fault_text - (size_t)n, format, args);
	va_end(args);
	emu_now.faulted = 1;
	for (;;) emu_yield();
}

static int refuse(const char *format, ...) {
	va_list args;
	va_start(args, format);
	vsnprintf(fault_text, sizeof fault_text, format, args);
	va_end(args);
	return -1;
}

static int passes(emu_site *site) {
	if (!site->seen) {
		site->seen = 1;
		const char *slash = strrchr(site->text, '/');
		if (slash) site->text = slash + 1;
		site->next = sites;
		sites = site;
		site->skip = !strcmp(site->text, skipped);
	}
	return site->skip;
}

int emu_site_count(void) {
	int n = 0;
	for (emu_site *s = sites; s; s = s->next) n++;
	return n;
}

const char *emu_site_text(int i) {
	emu_site *s = sites;
	while (i--) s = s->next;
	return s->text;
}

void emu_skip_site(const char *text) {
	snprintf(skipped, sizeof skipped, "%s", text);
	for (emu_site *s = sites; s; s = s->next) s->skip = !strcmp(s->text, skipped);
}

void emu_syncthreads(emu_site *site) {
	if (passes(site)) return;
	emu_now.self->state = EMU_AT_BARRIER;
	emu_now.self->site = site;
	emu_now.self->waits_for = site->text;
	emu_yield();
}

void emu_syncwarp(emu_site *site) {
	if (passes(site)) return;
	emu_warp *w = &emu_now.warps[emu_now.self->warp];
	uint32_t before = w->epoch;
	emu_collective("__syncwarp", NULL, NULL);
	if (w->epoch == before) w->epoch++; // the first to go on speaks for all
}

void emu_cp_async_wait(int newest_pending, emu_site *site) {
	if (passes(site)) return;
	emu_thread *t = emu_now.self;
	int kept = 0;
	for (int i = 0; i < t->pending_count; i++) {
		emu_copy c = t->pending[i];
		if (c.group >= t->group - newest_pending) {
			t->pending[kept++] = c;
			continue;
		}
		emu_on_write((uintptr_t)c.shared, 16);
		memset(c.shared, 0, 16);
		memcpy(c.shared, c.global, (size_t)c.bytes);
	}
	t->pending_count = kept;
}

// The bytes arrive as late as the hardware may bring them, when the thread waits for them. They could as well come at once: so
// nobody may still be reading where they go, and nobody may read there before the wait.
void emu_cp_async16(void *shared, const void *global, int bytes) {
	emu_thread *t = emu_now.self;
	emu_check_aligned(shared, 16);
	emu_check_aligned(global, 16);
	if (bytes) emu_on_read((uintptr_t)global, (size_t)bytes);
	emu_on_copy((uintptr_t)shared, 16);
	if (t->pending_count == EMU_PENDING) emu_fault("more than %d asynchronous copies pending", EMU_PENDING);
	t->pending[t->pending_count++] = (emu_copy){shared, global, bytes, t->group};
}

void emu_cp_async_commit(void) { emu_now.self->group++; }

static void thread_main(void) {
	entry(entry_args);
	emu_now.self->state = EMU_DONE;
	for (;;) emu_yield();
}

static void set_up(emu_dim grid, emu_dim block, emu_dim at) {
	for (uint32_t i = 0; i < emu_now.count; i++) {
		emu_thread *t = &emu_threads[i];
		t->state = EMU_READY;
		t->index = i;
		t->warp = i / EMU_WARP;
		t->place = (emu_place){
			.thread = {i % block.x, i / block.x % block.y, i / block.x / block.y},
			.block = at, .block_dim = block, .grid_dim = grid, .lane = i % EMU_WARP,
		};
		t->pending = pending[i];
		t->pending_count = t->group = 0;
		emu_fibre_start(&t->sp, (int)i, thread_main);
	}
	for (uint32_t w = 0; w < emu_now.count / EMU_WARP; w++) emu_now.warps[w] = (emu_warp){0};
	emu_now.epoch = 0;
	emu_now.serial = next_serial++;
}

// Runs a warp's lanes until none can go on by itself.
static void run_warp(uint32_t w) {
	for (int moved = 1; moved;) {
		moved = 0;
		walk lanes = shuffled(EMU_WARP);
		for (int i = 0; i < EMU_WARP; i++) {
			emu_thread *t = &emu_threads[w * EMU_WARP + next(&lanes)];
			if (t->state != EMU_READY) continue;
			moved = 1;
			emu_now.self = t;
			emu_here = &t->place;
			emu_fibre_run(&t->sp);
			if (emu_now.faulted) return;
		}
	}
}

static emu_thread *waiting(enum emu_state state) {
	for (uint32_t i = 0; i < emu_now.count; i++)
		if (emu_threads[i].state == state) return &emu_threads[i];
	return NULL;
}

// The fault of a block in which everyone waits for someone who doesn't come.
static void blame(emu_thread *who, emu_thread *other) {
	emu_now.self = who;
	const emu_place *p = &who->place, *q = &other->place;
	char text[128];
	if (other->state == EMU_DONE) snprintf(text, sizeof text, "has left the kernel");
	else snprintf(text, sizeof text, "waits at %s", other->waits_for);
	refuse("kernel %s, block (%u,%u,%u), thread (%u,%u,%u): waits at %s, but thread (%u,%u,%u) %s", emu_now.kernel, p->block.x, p->block.y,
		p->block.z, p->thread.x, p->thread.y, p->thread.z, who->waits_for, q->thread.x, q->thread.y, q->thread.z, text);
	emu_now.faulted = 1;
}

// Lets everyone go on who stands at the same barrier; 0 when the block is done.
static int release(void) {
	emu_thread *lane = waiting(EMU_AT_WARP);
	if (lane) {
		for (uint32_t i = lane->warp * EMU_WARP;; i++)
			if (emu_threads[i].state != EMU_AT_WARP || emu_threads[i].waits_for != lane->waits_for) {
				blame(lane, &emu_threads[i]);
				return 0;
			}
	}
	emu_thread *first = waiting(EMU_AT_BARRIER);
	if (!first) return 0;
	for (uint32_t i = 0; i < emu_now.count; i++)
		if (emu_threads[i].state != EMU_AT_BARRIER || strcmp(emu_threads[i].waits_for, first->waits_for)) {
			blame(first, &emu_threads[i]);
			return 0;
		}
	for (uint32_t i = 0; i < emu_now.count; i++) emu_threads[i].state = EMU_READY;
	emu_now.epoch++;
	return 1;
}

static int run_block(emu_dim grid, emu_dim block, emu_dim at) {
	set_up(grid, block, at);
	do {
		walk warps = shuffled(emu_now.count / EMU_WARP);
		for (uint32_t i = 0; i < warps.n && !emu_now.faulted; i++) run_warp(next(&warps));
	} while (!emu_now.faulted && release());
	return emu_now.faulted ? -1 : 0;
}

static int check_launch(const kernel *k, emu_dim grid, emu_dim block, size_t shared_bytes, int arg_count) {
	uint64_t count = (uint64_t)block.x * block.y * block.z;
	if (!grid.x || !grid.y || !grid.z || grid.y > 65535 || grid.z > 65535 || grid.x > 0x7fffffff)
		return refuse("kernel %s: a grid of (%u,%u,%u) blocks", k->name, grid.x, grid.y, grid.z);
	if (count != (uint64_t)k->threads)
		return refuse("kernel %s: launched with %llu threads a block, written for %d", k->name, (unsigned long long)count, k->threads);
	if (!count || count > EMU_MAX_THREADS || count % EMU_WARP)
		return refuse("kernel %s: %llu threads a block are no whole number of warps up to %d", k->name, (unsigned long long)count, EMU_MAX_THREADS);
	if (arg_count != k->args) return refuse("kernel %s: launched with %d arguments, takes %d", k->name, arg_count, k->args);
	if (shared_bytes > EMU_SHARED_LIMIT)
		return refuse("kernel %s: %zu bytes of shared memory, at most %d", k->name, shared_bytes, EMU_SHARED_LIMIT);
	return 0;
}

int emu_launch(int index, emu_dim grid, emu_dim block, size_t shared_bytes, const uint64_t *args, int arg_count) {
	const kernel *k = &kernels[index];
	if (check_launch(k, grid, block, shared_bytes, arg_count)) return -1;
	entry = k->entry;
	memcpy(entry_args, args, (size_t)arg_count * sizeof *args);
	emu_now.kernel = k->name;
	emu_now.count = block.x * block.y * block.z;
	emu_now.shared_bytes = shared_bytes;
	emu_now.launch_serial = next_serial;
	emu_now.faulted = 0;
	uint64_t n = (uint64_t)grid.x * grid.y * grid.z;
	walk blocks = shuffled((uint32_t)n);
	for (uint64_t i = 0; i < n; i++) {
		uint32_t b = next(&blocks);
		if (run_block(grid, block, (emu_dim){b % grid.x, b / grid.x % grid.y, b / grid.x / grid.y})) return -1;
	}
	return 0;
}
