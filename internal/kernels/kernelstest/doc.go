// Package kernelstest is the one conformance suite for all backends: what package kernels promises, as tests.
//
// A backend's own test calls Run, and its benchmark calls Benchmark:
//
//	func TestConformance(t *testing.T)      { kernelstest.Run(t, open) }
//	func BenchmarkKernels(b *testing.B)     { kernelstest.Benchmark(b, open) }
//
// # Vocabulary
//
//   - operand: a buffer of a call, with its values and its layout.
//   - trial: one call made on the reference and on the backend under test, from the same bytes. All operands lie in
//     one arena, between guards, at aligned and at odd addresses; outputs, gaps and guards start as NaN. Afterwards
//     outputs must agree with the reference, and every other byte must be what it was: so a
//     trial also shows an element left unwritten, an input written, a gap between strided rows touched, a write past the end.
//   - cut: the same rows in one call and in several. The bits must be the same.
//   - mistake: what the suite's own test plants in the reference, one at a time, to see the suite fail.
//
// # Tolerances
//
// A result got stands for the reference's want (float64 inside, rounded once) when
//
//	|got − want| ≤ 2·ε₃₂·√n·(|want| + scale) + ε·|want|
//
// where ε₃₂ = 2⁻²³, ε is that of the output's type (2⁻²³ or 2⁻⁷), n is the number of terms the longest sum behind
// the result has, and scale is the root mean square of the whole output, the size of what cancels in it, or more
// where a test says so. A bfloat16 output may also differ by ε·scale, because intermediate results may be bfloat16
// too. The first term is the usual statistical bound of a float32 sum of n terms (errors add up like a random
// walk), with room for elementary functions good to a few units in the last place. What needs no sum and no
// function must be equal.
package kernelstest
