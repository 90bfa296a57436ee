package cpu

import (
	"fmt"
	"os"
)

// pathVariable forces an instruction set.
const pathVariable = "DMTRAIN_CPU"

// choosePrimitives takes the widest instruction set the processor has, or the one the environment names.
func choosePrimitives() (primitives, error) {
	switch want := os.Getenv(pathVariable); {
	case want == "" && hasAVX512():
		return avx512(), nil
	case want == "" && hasAVX2():
		return avx2(), nil
	case want == "" || want == "generic":
		return generic(), nil
	case want == "avx2" && hasAVX2():
		return avx2(), nil
	case want == "avx512" && hasAVX512():
		return avx512(), nil
	case want == "avx2" || want == "avx512":
		return primitives{}, fmt.Errorf("%s=%s: this processor or build has no %s; leave it unset, or take generic", pathVariable, want, want)
	default:
		return primitives{}, fmt.Errorf("%s=%s: must be generic, avx2 or avx512", pathVariable, want)
	}
}
