//go:build !purego

package cpu

import "dmtrain/internal/kernels/cpu/asm"

// simdPaths is NEON, which every arm64 processor has that Go runs on.
func simdPaths() []path { return []path{{name: "neon", primitives: neon}} }

// neon's vectors are pairs of registers.
func neon() primitives {
	return primitives{
		path:              "neon",
		lanes:             8,
		turnFrom:          48 << 10,
		strip:             [maxStrip + 1]stripFunc{1: gemm1NEON, 2: asm.GEMM2NEON, 3: asm.GEMM3NEON},
		addRows:           asm.AddRowsNEON,
		dotRows:           asm.DotRowsNEON,
		transpose:         transposeBlocks(asm.TransposeNEON),
		add:               asm.AddNEON,
		keep:              asm.KeepNEON,
		scale:             asm.ScaleNEON,
		gelu:              asm.GeluNEON,
		geluBackward:      asm.GeluBackwardNEON,
		layerNorm:         asm.LayerNormNEON,
		layerNormBackward: asm.LayerNormBackwardNEON,
		softmaxStep:       asm.SoftmaxStepNEON,
		hideScores:        asm.HideScoresNEON,
		scoreGradients:    asm.ScoreGradientsNEON,
		dot:               asm.DotNEON,
		sumSquares:        asm.SumSquaresNEON,
		columnSums:        asm.ColumnSumsNEON,
		topTwo:            asm.TopTwoNEON,
		expSum:            asm.ExpSumNEON,
		adamW:             asm.AdamWNEON,
		dropFactors:       asm.DropFactorsNEON,
		edgeFactors:       asm.EdgeFactorsNEON,
	}
}

// gemm1NEON leaves strips of less than a register to a product column by column.
func gemm1NEON(
	c []float32, ldc int, init []float32, ldi int, bias []float32, a []float32, sam, sak int, b []float32, ldb int, m,
	n, k int,
) {
	const register = 4
	if n >= register {
		asm.GEMM1NEON(c, ldc, init, ldi, bias, a, sam, sak, b, ldb, m, n, k)
		return
	}
	for j := range n {
		asm.GEMMColumnNEON(c[j:], ldc, from(init, j), ldi, from(bias, j), a, sam, sak, from(b, j), ldb, m, k)
	}
}

// from is x from element i on, or what there is: B has no rows where k is 0. Nil stays nil.
func from(x []float32, i int) []float32 { return x[min(i, len(x)):] }
