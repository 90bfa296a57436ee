package cpu

import "math"

const (
	geluScale = 0.7978845608028654 // √(2/π)
	geluCubic = 0.044715
)

// exp is e^x, within 2 ulp. Results below the smallest normal number are 0.
func exp(x float32) float32 {
	const (
		log2e  = 1.44269504088896341
		ln2Hi  = 0.693359375 // short enough that n·ln2Hi is exact
		ln2Lo  = -2.12194440e-4
		lowest = -87.33654
		// highest is ln of the largest float32.
		highest = 88.72283
	)
	switch {
	case x != x:
		return x
	case x > highest:
		return float32(math.Inf(1))
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
	// 2ⁿ in two factors, because n may be 128.
	half := int32(n) / 2
	return p * pow2(half) * pow2(int32(n)-half)
}

func pow2(n int32) float32 { return math.Float32frombits(uint32(n+127) << 23) }

// gelu sets y = x·σ(2u) with u = √(2/π)(x + 0.044715x³), which is ½x(1 + tanh u) without the cancellation in 1 + tanh u.
func gelu(y, x []float32) {
	y = y[:len(x)]
	for i, v := range x {
		y[i] = v / (1 + expMinus2u(v))
	}
}

func expMinus2u(x float32) float32 {
	return exp(-2 * geluScale * (x + geluCubic*x*x*x))
}

// geluBackward sets dx = dy·gelu'(x), gelu'(x) = σ + x·σ·(1−σ)·2u', where 1−σ = σ·exp(−2u). Beyond ±10 gelu' is 1 or 0 and the
// exponential about to overflow.
func geluBackward(dx, dy, x []float32) {
	dx, dy = dx[:len(x)], dy[:len(x)]
	for i, v := range x {
		v = min(max(v, -10), 10)
		e := expMinus2u(v)
		s := 1 / (1 + e)
		du := geluScale * (1 + 3*geluCubic*v*v)
		dx[i] = dy[i] * (s + 2*v*du*s*(s*e))
	}
}

func log(x float32) float32  { return float32(math.Log(float64(x))) }
func sqrt(x float32) float32 { return float32(math.Sqrt(float64(x))) }

var inf = float32(math.Inf(1))
