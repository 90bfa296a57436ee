//go:build !amd64 || purego

package cpu

func hasAVX2() bool   { return false }
func hasAVX512() bool { return false }

func avx2() primitives   { panic("cpu: no AVX2 in this build") }
func avx512() primitives { panic("cpu: no AVX-512 in this build") }
