//go:build generate

package main

// The exponential: x = n·ln 2 + r with |r| ≤ ½ ln 2, and e^r = 1 + r + r²·p(r) with Cephes' minimax polynomial of
// degree 5.
const (
	expLowest  = -104 // e^−104 rounds to 0
	expHighest = 89   // e^89 rounds to +∞
	log2e      = 1.44269504088896341
	ln2Hi      = 0.693359375 // few enough bits that n·ln2Hi is exact
	ln2Lo      = -2.12194440e-4
	mantissa   = 23 // bits of a float32's fraction
)

// exponential holds the constants of exp, which loops set up before they begin.
type exponential struct {
	lowest, highest, one vec
	log2e, ln2Hi, ln2Lo  lane
	p                    [6]lane // highest power first
}

func (k *kernel) exponential() *exponential {
	e := &exponential{lowest: k.constant(expLowest), highest: k.constant(expHighest), one: k.constant(1)}
	c := k.packed(log2e, ln2Hi, ln2Lo, 1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1)
	e.log2e, e.ln2Hi, e.ln2Lo = c[0], c[1], c[2]
	copy(e.p[:], c[3:])
	return e
}

// exp replaces every lane of x by e^x, within 2 ulp; a NaN stays one. The polynomial is summed in three pairs of
// terms, so that fewer operations wait for one another.
func (k *kernel) exp(x vec, e *exponential) {
	k.scope(func() {
		k.fmax(x, x, e.lowest)
		k.fmin(x, x, e.highest)
		n, square, p, q := k.vec(), k.vec(), k.vec(), k.vec()
		k.fmulLane(n, x, e.log2e)
		k.toNearest(n, n)
		k.toFloat(p, n)
		k.fmlsLane(x, p, e.ln2Hi)
		k.fmlsLane(x, p, e.ln2Lo)
		k.fmul(square, x, x)
		k.spread(p, e.p[1])
		k.fmlaLane(p, x, e.p[0])
		k.spread(q, e.p[3])
		k.fmlaLane(q, x, e.p[2])
		k.fmla(q, p, square)
		k.spread(p, e.p[5])
		k.fmlaLane(p, x, e.p[4])
		k.fmla(p, q, square)
		k.fmla(x, p, square)
		k.fadd(x, x, e.one)
		// 2ⁿ in two factors, so that an n beyond the exponent's range overflows or becomes subnormal as it should.
		// The first, which leaves the range of normal numbers for no n, is added to the exponent.
		k.shiftRightSigned(p, n, 1)
		k.subWords(n, n, p)
		k.shiftLeft(p, p, mantissa)
		k.shiftLeft(n, n, mantissa)
		k.addWords(x, x, p)
		k.addWords(n, n, e.one)
		k.fmul(x, x, n)
	})
}
