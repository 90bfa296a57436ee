#include "textflag.h"

// func Illegal()
TEXT ·Illegal(SB), NOSPLIT, $0-0
	UNDEF
	RET

// func Load()
TEXT ·Load(SB), NOSPLIT, $32-0
	MOVQ $0x123456789000, AX
	MOVQ (AX), AX
	RET

// func LoadNil()
TEXT ·LoadNil(SB), NOSPLIT, $0-0
	XORL AX, AX
	MOVQ 8(AX), AX
	RET
