//go:build !purego

package cpu

import (
	"golang.org/x/sys/cpu"

	"dmtrain/internal/kernels/cpu/asm"
)

func hasAVX2() bool { return cpu.X86.HasAVX2 && cpu.X86.HasFMA && cpu.X86.HasBMI2 }

func hasAVX512() bool { return hasAVX2() && cpu.X86.HasAVX512F && cpu.X86.HasAVX512DQ }

func avx2() primitives {
	p := generic()
	p.path, p.lanes = "avx2", 8
	p.strip = [maxStrip + 1]stripFunc{1: asm.GEMM1AVX2, 2: asm.GEMM2AVX2, 3: asm.GEMM3AVX2}
	p.transpose = transposeSIMD
	return p
}

func avx512() primitives {
	p := avx2()
	p.path, p.lanes = "avx512", 16
	p.strip = [maxStrip + 1]stripFunc{1: asm.GEMM1AVX512, 2: asm.GEMM2AVX512, 3: asm.GEMM3AVX512}
	return p
}

// transposeSIMD leaves the rests that make no 8 × 8 block to the plain loop.
func transposeSIMD(dst []float32, ldd int, src []float32, lds, rows, cols int, scale float32) {
	const block = 8
	r, c := rows/block*block, cols/block*block
	if r > 0 && c > 0 {
		asm.TransposeAVX2(dst, ldd, src, lds, r, c, scale)
	}
	if c < cols {
		transpose(dst[c*ldd:], ldd, src[c:], lds, r, cols-c, scale)
	}
	if r < rows {
		transpose(dst[r:], ldd, src[r*lds:], lds, rows-r, cols, scale)
	}
}
