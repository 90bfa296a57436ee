#include "textflag.h"

#define SIGSEGV 11
#define ucontext_rip 168

GLOBL next<>(SB), NOPTR, $8

// illegalInstruction is a handler of SIGILL. The system calls it by C's convention: the signal in DI, siginfo in SI,
// ucontext in DX. It calls the signal SIGSEGV if the instruction is Go's; siginfo holds the instruction's address either
// way. Then the runtime's handler takes over as if it had been called itself.
TEXT illegalInstruction<>(SB), NOSPLIT|NOFRAME|TOPFRAME, $0
	MOVQ ucontext_rip(DX), AX
	LEAQ runtime·text(SB), CX
	CMPQ AX, CX
	JB   runtimes
	LEAQ runtime·etext(SB), CX
	CMPQ AX, CX
	JAE  runtimes
	MOVL $SIGSEGV, DI

runtimes:
	MOVQ next<>(SB), AX
	JMP  AX

// func handlerBefore(next uintptr) uintptr
TEXT ·handlerBefore(SB), NOSPLIT, $0-16
	MOVQ next+0(FP), AX
	MOVQ AX, next<>(SB)
	LEAQ illegalInstruction<>(SB), AX
	MOVQ AX, ret+8(FP)
	RET
