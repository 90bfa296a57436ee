//go:build cudaemu

// Fibres: each CUDA thread has a stack of its own, and a switch saves what the C calling convention says must survive a call.

#include "fibre.h"
#include "internal.h"

#include <stddef.h>
#include <sys/mman.h>

#if !defined(__x86_64__) || defined(EMU_UCONTEXT)
#include <ucontext.h>
#endif

enum { GUARD = 4096 };

static char *stacks;

static char *stack_of(int i) { return stacks + (size_t)i * EMU_STACK; }

int emu_on_stack(uintptr_t p) { return p - (uintptr_t)stacks < (size_t)EMU_MAX_THREADS * EMU_STACK; }

int emu_fibres_open(void) {
	if (stacks) return 0;
	void *p = mmap(NULL, (size_t)EMU_MAX_THREADS * EMU_STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED) return -1;
	stacks = p;
	for (int i = 0; i < EMU_MAX_THREADS; i++)
		if (mprotect(stack_of(i), GUARD, PROT_NONE)) return -1;
	return 0;
}

#if defined(__x86_64__) && !defined(EMU_UCONTEXT)

// System V ABI: rbx, rbp, r12 to r15 and the stack pointer.
void emu_switch(void **save, void *const *load);
__asm__(
	".text\n"
	".globl emu_switch\n"
	".type emu_switch, @function\n"
	"emu_switch:\n"
	"	pushq %rbp\n"
	"	pushq %rbx\n"
	"	pushq %r12\n"
	"	pushq %r13\n"
	"	pushq %r14\n"
	"	pushq %r15\n"
	"	movq %rsp, (%rdi)\n"
	"	movq (%rsi), %rsp\n"
	"	popq %r15\n"
	"	popq %r14\n"
	"	popq %r13\n"
	"	popq %r12\n"
	"	popq %rbx\n"
	"	popq %rbp\n"
	"	ret\n"
	".size emu_switch, .-emu_switch\n");

static void *scheduler;

void emu_fibre_start(void **sp, int i, void (*entry)(void)) {
	void **top = (void **)(stack_of(i) + EMU_STACK - 16);
	top[0] = (void *)entry; // where the first switch returns to, with the stack as if it had been called
	top[1] = NULL;
	*sp = top - 6;
}

void emu_fibre_run(void **sp) { emu_switch(&scheduler, sp); }
void emu_fibre_leave(void **sp) { emu_switch(sp, &scheduler); }

#else

static ucontext_t contexts[EMU_MAX_THREADS], scheduler;

void emu_fibre_start(void **sp, int i, void (*entry)(void)) {
	ucontext_t *c = &contexts[i];
	getcontext(c);
	c->uc_stack.ss_sp = stack_of(i) + GUARD;
	c->uc_stack.ss_size = EMU_STACK - GUARD;
	c->uc_link = NULL;
	makecontext(c, entry, 0);
	*sp = c;
}

void emu_fibre_run(void **sp) { swapcontext(&scheduler, *sp); }
void emu_fibre_leave(void **sp) { swapcontext(*sp, &scheduler); }

#endif
