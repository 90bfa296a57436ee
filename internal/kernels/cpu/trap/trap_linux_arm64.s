#include "textflag.h"

#define SIGSEGV 11
#define ucontext_fault_address 176
#define ucontext_pc 440

GLOBL next<>(SB), NOPTR, $8

// illegalInstruction is a handler of SIGILL. The system calls it by C's convention: the signal in R0, siginfo in R1,
// ucontext in R2. It calls the signal SIGSEGV, at the instruction's own address, if the instruction is Go's. Then the
// runtime's handler takes over as if it had been called itself.
TEXT illegalInstruction<>(SB), NOSPLIT|NOFRAME|TOPFRAME, $0
	MOVD ucontext_pc(R2), R3
	MOVD $runtime·text(SB), R4
	CMP  R4, R3
	BLO  runtimes
	MOVD $runtime·etext(SB), R4
	CMP  R4, R3
	BHS  runtimes
	MOVD R3, ucontext_fault_address(R2)
	MOVD $SIGSEGV, R0

runtimes:
	MOVD next<>(SB), R3
	JMP  (R3)

// func handlerBefore(next uintptr) uintptr
TEXT ·handlerBefore(SB), NOSPLIT, $0-16
	MOVD next+0(FP), R0
	MOVD R0, next<>(SB)
	MOVD $illegalInstruction<>(SB), R0
	MOVD R0, ret+8(FP)
	RET
