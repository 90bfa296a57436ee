package cpu

import "math"

func inf() float32 { return math.Float32frombits(0x7F800000) }

func log(x float32) float32  { return float32(math.Log(float64(x))) }
func sqrt(x float32) float32 { return float32(math.Sqrt(float64(x))) }

// exp is e^x, within 2 ulp; see asm's generator for the polynomial, which is the same.
func exp(x float32) float32 {
	const (
		log2e   = 1.44269504088896341
		ln2Hi   = 0.693359375 // short enough that n·ln2Hi is exact
		ln2Lo   = -2.12194440e-4
		lowest  = -104 // e^−104 rounds to 0
		highest = 89   // e^89 rounds to +∞
	)
	switch {
	case x != x:
		return x
	case x > highest:
		return inf()
	case x < lowest:
		return 0
	}
	n := float32(math.RoundToEven(float64(x * log2e)))
	r := x - n*ln2Hi
	r -= n * ln2Lo
	p := float32(1.9875691500e-4)
	p = p*r + 1.3981999507e-3
	p = p*r + 8.3334519073e-3
	p = p*r + 4.1665795894e-2
	p = p*r + 1.6666665459e-1
	p = p*r + 5.0000001201e-1
	p = p*r*r + r + 1
	// 2ⁿ in two factors, so that an n beyond the exponent's range overflows or becomes subnormal as it should.
	half := int32(n) >> 1
	return p * pow2(half) * pow2(int32(n)-half)
}

func pow2(n int32) float32 { return math.Float32frombits(uint32(n+127) << 23) }
