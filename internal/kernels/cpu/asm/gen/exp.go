//go:build generate

package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// The exponential: x = n·ln 2 + r with |r| ≤ ½ ln 2, and e^r = 1 + r + r²·p(r) with Cephes' minimax polynomial of degree 5.
const (
	expLowest  = -104 // e^−104 rounds to 0
	expHighest = 89   // e^89 rounds to +∞
	log2e      = 1.44269504088896341
	ln2Hi      = 0.693359375 // few enough bits that n·ln2Hi is exact
	ln2Lo      = -2.12194440e-4
	expBias    = 127 // of a float32's exponent
	mantissa   = 23  // bits of its fraction
)

var expPolynomial = []float32{1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1}

// exp replaces every lane of x by e^x, within 2 ulp; a NaN stays one. Its constants are set up by the first use of
// vector, so a loop that uses exp calls prepareExp before it begins.
func (g *generator) exp(x reg.VecVirtual) {
	// A NaN comes out of MAX and MIN because x is their second source.
	lowest := g.inRegister(expLowest)
	some := g.notAtMost(lowest, x)
	g.VMAXPS(x, lowest, x)
	g.VMINPS(x, g.inRegister(expHighest), x)
	n, p := g.vec(), g.vec()
	g.VMULPS(g.vector(log2e), x, n)
	g.round(n)
	g.VFNMADD231PS(g.vector(ln2Hi), n, x)
	g.VFNMADD231PS(g.vector(ln2Lo), n, x)
	g.VMOVUPS(g.vector(expPolynomial[0]), p)
	for _, c := range expPolynomial[1:] {
		g.VFMADD213PS(g.vector(c), x, p)
	}
	g.VMULPS(x, p, p)
	g.VFMADD213PS(x, x, p)
	g.VADDPS(g.vector(1), p, p)
	// Results too small for a float32 are 0 before they are scaled: many processors need a hundred cycles to find that
	// out by themselves.
	g.keepLanes(some, p)
	g.scaleByPower(p, n)
	g.VMOVAPS(p, x)
}

func (g *generator) prepareExp() {
	for _, c := range append([]float32{expLowest, expHighest, log2e, ln2Hi, ln2Lo, 1}, expPolynomial...) {
		g.vector(c)
	}
}

// round rounds to the nearest integer, ties to even.
func (g *generator) round(v reg.VecVirtual) {
	const nearest = operand.U8(8)
	if g.wide() {
		g.VRNDSCALEPS(nearest, v, v)
		return
	}
	g.VROUNDPS(nearest, v, v)
}

// scaleByPower multiplies p by 2ⁿ. Without VSCALEFPS in two factors, so that an n beyond the exponent's range
// overflows or becomes subnormal as it should.
func (g *generator) scaleByPower(p, n reg.VecVirtual) {
	if g.wide() {
		g.VSCALEFPS(n, p, p)
		return
	}
	half := g.vec()
	g.VCVTPS2DQ(n, n)
	g.VPSRAD(operand.U8(1), n, half)
	g.VPSUBD(half, n, n)
	for _, power := range []reg.VecVirtual{half, n} {
		g.VPADDD(g.words(expBias), power, power)
		g.VPSLLD(operand.U8(mantissa), power, power)
		g.VMULPS(power, p, p)
	}
}
