//go:build cudaemu

// Memory of the emulated device: allocations, shared memory, and the shadow that remembers who touched what.
//
// Two accesses conflict when they touch the same byte, one of them writes, different threads make them and nothing
// orders them: no launch boundary, no __syncthreads between threads of a block, no __syncwarp between lanes of a warp.
// The shadow keeps the last write and the last read of every granule; of several readers it keeps what they have in common.

#include "internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum {
	PAGE = 4096,
	REDZONE = 256,
	GLOBAL_GRANULE = 4,
	SHARED_GRANULE = 2,
	MANY = 0xffff,     // readers of several warps or blocks
	IN_WARP = 0x8000,  // readers of one warp, whose number stands in the low bits
};

typedef struct {
	uint32_t wblock, rblock; // serial of the block that wrote, that read
	uint16_t wepoch, repoch; // its block epoch then
	uint16_t wwarp, rwarp;   // its warp epoch then
	uint16_t wthread, rthread;
	uint8_t wmask, rmask; // which bytes
	uint8_t written;      // shared memory: bytes written since block wblock began
	uint8_t pad;
} cell;

static uintptr_t global_base, shared_base;
static size_t global_size, shared_size; // address space, not memory
static uint8_t *valid;                  // a bit for each byte of a granule: inside a live allocation
static cell *global_cells, *shared_cells;

static size_t memory_total, memory_used;
static uintptr_t next_free;

typedef struct {
	uintptr_t at;
	size_t bytes;
	int live;
	int cut; // only its views are valid
} allocation;
static allocation *allocations; // ascending addresses: addresses are never used twice
static size_t allocation_count, allocation_room;

static void *reserve(size_t bytes) {
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	return p == MAP_FAILED ? NULL : p;
}

int emu_memory_open(size_t bytes) {
	memory_total = bytes;
	if (global_base) return 0;
	global_size = (size_t)32 << 30;
	shared_size = EMU_SHARED_STATIC + EMU_SHARED_LIMIT + REDZONE;
	void *g = reserve(global_size), *s = reserve(shared_size);
	valid = reserve(global_size / GLOBAL_GRANULE);
	global_cells = reserve(global_size / GLOBAL_GRANULE * sizeof(cell));
	shared_cells = reserve(shared_size / SHARED_GRANULE * sizeof(cell));
	if (!g || !s || !valid || !global_cells || !shared_cells) return ENOMEM;
	global_base = (uintptr_t)g;
	shared_base = (uintptr_t)s;
	next_free = global_base + PAGE;
	return 0;
}

void emu_memory(size_t *free_bytes, size_t *total_bytes) {
	*free_bytes = memory_total - memory_used;
	*total_bytes = memory_total;
}

static void mark(uintptr_t at, size_t bytes, int on) {
	size_t first = (at - global_base) / GLOBAL_GRANULE, whole = bytes / GLOBAL_GRANULE, rest = bytes % GLOBAL_GRANULE;
	memset(valid + first, on ? 0xf : 0, whole);
	if (rest) valid[first + whole] = on ? (uint8_t)((1u << rest) - 1) : 0;
}

uintptr_t emu_alloc(size_t bytes) {
	if (bytes > memory_total - memory_used) return 0;
	size_t room = (bytes + REDZONE + PAGE - 1) / PAGE * PAGE;
	if (next_free + room > global_base + global_size) return 0;
	if (allocation_count == allocation_room) {
		size_t n = allocation_room ? 2 * allocation_room : 256;
		allocation *grown = realloc(allocations, n * sizeof *grown);
		if (!grown) return 0;
		allocations = grown;
		allocation_room = n;
	}
	uintptr_t at = next_free;
	next_free += room;
	memory_used += bytes;
	allocations[allocation_count++] = (allocation){at, bytes, 1, 0};
	mark(at, bytes, 1);
	return at;
}

// The last allocation that begins at or before p.
static allocation *allocation_before(uintptr_t p) {
	size_t lo = 0, hi = allocation_count;
	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		if (allocations[mid].at <= p) lo = mid + 1;
		else hi = mid;
	}
	return lo ? &allocations[lo - 1] : NULL;
}

int emu_free(uintptr_t p) {
	allocation *a = allocation_before(p);
	if (!a || a->at != p || !a->live) return -1;
	a->live = 0;
	memory_used -= a->bytes;
	mark(p, a->bytes, 0);
	size_t room = (a->bytes + REDZONE + PAGE - 1) / PAGE * PAGE;
	madvise((void *)p, room, MADV_DONTNEED);
	madvise(global_cells + (p - global_base) / GLOBAL_GRANULE, room / GLOBAL_GRANULE * sizeof(cell), MADV_DONTNEED);
	return 0;
}

static int strict;

void emu_strict(int on) { strict = on; }

void emu_view(uintptr_t p, size_t bytes) {
	allocation *a = allocation_before(p);
	if (!strict || !a || !a->live) return;
	if (!a->cut && a->bytes < bytes + REDZONE) return; // nearly all of it: no operand of an arena
	if (!a->cut) mark(a->at, a->bytes, 0);
	a->cut = 1;
	for (size_t i = p - global_base; i < p - global_base + bytes; i++) valid[i / GLOBAL_GRANULE] |= (uint8_t)(1u << i % GLOBAL_GRANULE);
}

int emu_valid(uintptr_t p, size_t bytes) {
	allocation *a = allocation_before(p);
	return a && a->live && p + bytes <= a->at + a->bytes;
}

void *emu_shared_at(size_t offset) { return (void *)(shared_base + offset); }
void *emu_shared_dynamic(void) { return (void *)(shared_base + EMU_SHARED_STATIC); }

size_t emu_shared_static(size_t bytes, size_t align) {
	static size_t next;
	next = (next + align - 1) / align * align;
	size_t at = next;
	next += bytes;
	if (next > EMU_SHARED_STATIC) abort(); // within a static variable's guard nothing may be thrown off
	return at;
}

static inline uint16_t warp_epoch(void) { return (uint16_t)emu_now.warps[emu_now.self->warp].epoch; }

// Whether an access by thread (or group of readers) who, made in this block, is ordered before the running thread's.
static inline int ordered(uint16_t who, uint16_t epoch, uint16_t in_warp, int shared_by_warp) {
	if (epoch != (uint16_t)emu_now.epoch) return 1;
	if (who == emu_now.self->index) return !shared_by_warp || in_warp != warp_epoch();
	if (who == MANY) return 0;
	uint32_t warp = who & IN_WARP ? who & ~IN_WARP : who / EMU_WARP;
	return warp == emu_now.self->warp && in_warp != warp_epoch();
}

static void describe(uint16_t who, char *text, size_t n) {
	emu_dim d = emu_now.self->place.block_dim;
	if (who == MANY) snprintf(text, n, "several threads");
	else if (who & IN_WARP) snprintf(text, n, "several threads of warp %d", who & ~IN_WARP);
	else snprintf(text, n, "thread (%u,%u,%u)", who % d.x, who / d.x % d.y, who / d.x / d.y);
}

static void conflict(const char *what, const char *where, size_t offset, const char *earlier, uint16_t who, int same_block) {
	char text[64];
	describe(who, text, sizeof text);
	if (same_block)
		emu_fault("%s %s byte %zu, which %s %s with no barrier between", what, where, offset, text, earlier);
	else
		emu_fault("%s %s byte %zu, which another block of the same launch %s", what, where, offset, earlier);
}

static inline void note_write(cell *c, uint8_t mask) {
	uint16_t me = (uint16_t)emu_now.self->index, epoch = (uint16_t)emu_now.epoch, in_warp = warp_epoch();
	if (c->wblock != emu_now.serial || c->wthread != me || c->wepoch != epoch || c->wwarp != in_warp) {
		c->written = c->wblock == emu_now.serial ? c->written : 0;
		c->wblock = emu_now.serial;
		c->wthread = me;
		c->wepoch = epoch;
		c->wwarp = in_warp;
		c->wmask = 0;
	}
	c->wmask |= mask;
	c->written |= mask;
}

// Readers of the same bytes are remembered together, as a warp's or as many; of readers of different bytes the latest.
static inline void note_read(cell *c, uint8_t mask) {
	uint16_t me = (uint16_t)emu_now.self->index, epoch = (uint16_t)emu_now.epoch, in_warp = warp_epoch();
	int overlaps = c->rblock >= emu_now.launch_serial && (c->rmask & mask);
	if (overlaps && c->rblock != emu_now.serial) return; // another block's read conflicts with more than ours does
	if (overlaps && c->repoch == epoch && c->rthread != me) {
		uint16_t warp = (uint16_t)(IN_WARP | emu_now.self->warp);
		int same = c->rthread == warp || (!(c->rthread & IN_WARP) && c->rthread / EMU_WARP == emu_now.self->warp);
		c->rthread = same ? warp : MANY;
		c->rwarp = in_warp;
		c->rmask &= mask;
		return;
	}
	int again = c->rblock == emu_now.serial && c->repoch == epoch && c->rthread == me;
	c->rmask = again ? c->rmask | mask : mask;
	c->rblock = emu_now.serial;
	c->repoch = epoch;
	c->rwarp = in_warp;
	c->rthread = me;
}

static inline void shared_access(uintptr_t p, size_t n, int write, int by_warp) {
	size_t offset = p - shared_base;
	if (offset + n > EMU_SHARED_STATIC + emu_now.shared_bytes)
		emu_fault("%s of %zu bytes of shared memory at byte %zu of %zu", write ? "write" : "read", n, offset - EMU_SHARED_STATIC,
			emu_now.shared_bytes);
	const char *where = offset < EMU_SHARED_STATIC ? "static shared memory" : "shared memory";
	size_t shown = offset < EMU_SHARED_STATIC ? offset : offset - EMU_SHARED_STATIC;
	for (size_t end = offset + n; offset < end;) {
		cell *c = &shared_cells[offset / SHARED_GRANULE];
		size_t in = offset % SHARED_GRANULE, take = SHARED_GRANULE - in < end - offset ? SHARED_GRANULE - in : end - offset;
		uint8_t mask = (uint8_t)(((1u << take) - 1) << in);
		int mine = c->wblock == emu_now.serial;
		if (!write && (!mine || (c->written & mask) != mask))
			emu_fault("read of %zu bytes of %s at byte %zu, which nothing has written yet", n, where, shown);
		if (mine && (c->wmask & mask) && !ordered(c->wthread, c->wepoch, c->wwarp, by_warp))
			conflict(write ? "write to" : "read of", where, shown, "wrote", c->wthread, 1);
		if (write && c->rblock == emu_now.serial && (c->rmask & mask) && !ordered(c->rthread, c->repoch, c->rwarp, 0))
			conflict("write to", where, shown, "read", c->rthread, 1);
		if (write) note_write(c, mask);
		else note_read(c, mask);
		offset += take;
	}
}

static void outside(uintptr_t p, size_t n, int write) {
	const char *what = write ? "write" : "read";
	allocation *a = allocation_before(p);
	if (!a) emu_fault("%s of %zu bytes before every buffer", what, n);
	if (!a->live) emu_fault("%s of %zu bytes in a freed buffer of %zu bytes", what, n, a->bytes);
	allocation *next = a + 1 < allocations + allocation_count ? a + 1 : NULL;
	if (p + n <= a->at + a->bytes) emu_fault("%s of %zu bytes at byte %zu of a buffer, outside every view of it", what, n, (size_t)(p - a->at));
	size_t past = p + n - (a->at + a->bytes);
	if (next && next->at - p < past)
		emu_fault("%s of %zu bytes, %zu bytes before a buffer of %zu bytes", what, n, (size_t)(next->at - p), next->bytes);
	emu_fault("%s of %zu bytes that end %zu bytes past a buffer of %zu bytes", what, n, past, a->bytes);
}

// Global memory is also shared between blocks, which no barrier orders within a launch.
static inline void global_access(uintptr_t p, size_t n, int write) {
	size_t offset = p - global_base;
	for (size_t end = offset + n; offset < end;) {
		size_t g = offset / GLOBAL_GRANULE, in = offset % GLOBAL_GRANULE;
		size_t take = GLOBAL_GRANULE - in < end - offset ? GLOBAL_GRANULE - in : end - offset;
		uint8_t mask = (uint8_t)(((1u << take) - 1) << in);
		if ((valid[g] & mask) != mask) outside(p, n, write);
		cell *c = &global_cells[g];
		if (c->wblock >= emu_now.launch_serial && (c->wmask & mask)) {
			int same = c->wblock == emu_now.serial;
			if (!same || !ordered(c->wthread, c->wepoch, c->wwarp, 0))
				conflict(write ? "write to" : "read of", "a buffer's", p - allocation_before(p)->at, "wrote", c->wthread, same);
		}
		if (write && c->rblock >= emu_now.launch_serial && (c->rmask & mask)) {
			int same = c->rblock == emu_now.serial;
			if (!same || !ordered(c->rthread, c->repoch, c->rwarp, 0))
				conflict("write to", "a buffer's", p - allocation_before(p)->at, "read", c->rthread, same);
		}
		if (write) note_write(c, mask);
		else note_read(c, mask);
		offset += take;
	}
}

// Where the program, or the library that this is part of, lies in memory: constants and tables are read from there.
extern char __ehdr_start __attribute__((visibility("hidden"))), _end __attribute__((visibility("hidden")));

static inline void access(uintptr_t p, size_t n, int write) {
	if (p - global_base < global_size) global_access(p, n, write);
	else if (p - shared_base < shared_size) shared_access(p, n, write, 0);
	else if (!emu_on_stack(p) && p - (uintptr_t)&__ehdr_start >= (uintptr_t)(&_end - &__ehdr_start))
		emu_fault("%s of %zu bytes at address %#zx, which is no device memory", write ? "write" : "read", n, (size_t)p);
}

void emu_on_read(uintptr_t p, size_t n) { access(p, n, 0); }
void emu_on_write(uintptr_t p, size_t n) { access(p, n, 1); }

void emu_on_copy(uintptr_t p, size_t n) {
	if (p - shared_base >= shared_size) emu_fault("an asynchronous copy to memory that is not shared");
	shared_access(p, n, 1, 0);
	for (size_t offset = p - shared_base; offset < p - shared_base + n; offset += SHARED_GRANULE) shared_cells[offset / SHARED_GRANULE].written = 0;
}

void emu_on_warp_read(uintptr_t p, size_t n) {
	if (p - shared_base < shared_size) shared_access(p, n, 0, 1);
	else emu_fault("a warp's matrix load outside shared memory");
}

void emu_check_aligned(const void *p, size_t bytes) {
	if ((uintptr_t)p % bytes) emu_fault("access of %zu bytes that is not aligned to as many", bytes);
}

// Atomic operations conflict with nothing, but must hit a buffer.
int emu_atomic_cas(int *p, int compare, int value) {
	if (!emu_valid((uintptr_t)p, sizeof *p)) emu_fault("atomic operation outside every buffer");
	int old = *p;
	if (old == compare) *p = value;
	return old;
}

// What the compiler calls before every load and store of a kernel (emu_cuda.h gives ThreadSanitizer's calls these names).
// Of 16 bytes it promises an alignment to 8 only; read16 and write16 in common.cuh check the rest.
#define HOOKS(n) \
	void emu_read##n(void *p) { emu_check_aligned(p, n < 16 ? n : 8); access((uintptr_t)p, n, 0); } \
	void emu_write##n(void *p) { emu_check_aligned(p, n < 16 ? n : 8); access((uintptr_t)p, n, 1); } \
	void emu_unaligned_read##n(void *p) { access((uintptr_t)p, n, 0); } \
	void emu_unaligned_write##n(void *p) { access((uintptr_t)p, n, 1); }
HOOKS(1)
HOOKS(2)
HOOKS(4)
HOOKS(8)
HOOKS(16)
void emu_read_range(void *p, size_t n) { access((uintptr_t)p, n, 0); }
void emu_write_range(void *p, size_t n) { access((uintptr_t)p, n, 1); }
uint8_t emu_atomic8_load(const volatile uint8_t *p, int order) { return (void)order, *p; } // guards of static variables
void emu_nothing(void) {}
