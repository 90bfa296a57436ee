#include "textflag.h"

// func Illegal()
TEXT ·Illegal(SB), NOSPLIT, $0-0
	UNDEF
	RET

// func Load()
TEXT ·Load(SB), NOSPLIT, $32-0
	MOVD $0x123456789000, R0
	MOVD (R0), R0
	RET

// func LoadNil()
TEXT ·LoadNil(SB), NOSPLIT, $0-0
	MOVD $0, R0
	MOVD 8(R0), R0
	RET
