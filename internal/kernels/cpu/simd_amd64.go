//go:build !purego

package cpu

import (
	"slices"

	"golang.org/x/sys/cpu"

	"dmtrain/internal/kernels/cpu/asm"
)

// simdPaths are the instruction sets with kernels in assembly, the best first.
func simdPaths() []path {
	needs := []feature{{"AVX2", cpu.X86.HasAVX2}, {"FMA", cpu.X86.HasFMA}, {"BMI2", cpu.X86.HasBMI2}}
	wide := []feature{{"AVX512F", cpu.X86.HasAVX512F}, {"AVX512DQ", cpu.X86.HasAVX512DQ}}
	return []path{{"avx512", slices.Concat(needs, wide), avx512}, {"avx2", needs, avx2}}
}

func avx2() primitives {
	return primitives{
		path:              "avx2",
		lanes:             8,
		turnFrom:          48 << 10,
		strip:             [maxStrip + 1]stripFunc{1: asm.GEMM1AVX2, 2: asm.GEMM2AVX2, 3: asm.GEMM3AVX2},
		addRows:           asm.AddRowsAVX2,
		dotRows:           asm.DotRowsAVX2,
		transpose:         transposeBlocks(asm.TransposeAVX2),
		add:               asm.AddAVX2,
		keep:              asm.KeepAVX2,
		scale:             asm.ScaleAVX2,
		gelu:              asm.GeluAVX2,
		geluBackward:      asm.GeluBackwardAVX2,
		layerNorm:         asm.LayerNormAVX2,
		layerNormBackward: asm.LayerNormBackwardAVX2,
		softmaxStep:       asm.SoftmaxStepAVX2,
		hideScores:        asm.HideScoresAVX2,
		scoreGradients:    asm.ScoreGradientsAVX2,
		dot:               asm.DotAVX2,
		sumSquares:        asm.SumSquaresAVX2,
		columnSums:        asm.ColumnSumsAVX2,
		topTwo:            asm.TopTwoAVX2,
		expSum:            asm.ExpSumAVX2,
		adamW:             asm.AdamWAVX2,
		dropFactors:       asm.DropFactorsAVX2,
		edgeFactors:       asm.EdgeFactorsAVX2,
	}
}

func avx512() primitives {
	return primitives{
		path:              "avx512",
		lanes:             16,
		turnFrom:          256 << 10,
		strip:             [maxStrip + 1]stripFunc{1: asm.GEMM1AVX512, 2: asm.GEMM2AVX512, 3: asm.GEMM3AVX512},
		addRows:           asm.AddRowsAVX512,
		dotRows:           asm.DotRowsAVX2,
		transpose:         transposeBlocks(asm.TransposeAVX2),
		add:               asm.AddAVX512,
		keep:              asm.KeepAVX512,
		scale:             asm.ScaleAVX512,
		gelu:              asm.GeluAVX512,
		geluBackward:      asm.GeluBackwardAVX512,
		layerNorm:         asm.LayerNormAVX512,
		layerNormBackward: asm.LayerNormBackwardAVX512,
		softmaxStep:       asm.SoftmaxStepAVX512,
		hideScores:        asm.HideScoresAVX512,
		scoreGradients:    asm.ScoreGradientsAVX512,
		dot:               asm.DotAVX512,
		sumSquares:        asm.SumSquaresAVX512,
		columnSums:        asm.ColumnSumsAVX512,
		topTwo:            asm.TopTwoAVX512,
		expSum:            asm.ExpSumAVX512,
		adamW:             asm.AdamWAVX512,
		dropFactors:       asm.DropFactorsAVX512,
		edgeFactors:       asm.EdgeFactorsAVX512,
	}
}
