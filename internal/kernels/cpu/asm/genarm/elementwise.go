//go:build generate

package main

// binary writes an operation on two arrays.
func binary(name, doc string, combine func(k *kernel, a, b vec)) *kernel {
	k := newKernel(name, "y []float32, a []float32, b []float32", doc)
	n, y, a, b := k.length("y"), k.pointer("y"), k.pointer("a"), k.pointer("b")
	k.each(n, func(bool) {
		v, w := k.loadNext(a), k.loadNext(b)
		combine(k, v, w)
		k.storeNext(v, y)
	})
	return k
}

func add() *kernel {
	return binary("Add", "sets y = a + b.", func(k *kernel, a, b vec) { k.fadd(a, a, b) })
}

func keep() *kernel {
	return binary("Keep", "sets y = a·b, and 0 where b is 0, whatever a is.", func(k *kernel, a, b vec) {
		zero := k.single()
		k.zero(zero)
		k.fmul(a, a, b)
		k.equal(b, b, zero)
		k.clear(a, a, b)
	})
}

func scale() *kernel {
	k := newKernel("Scale", "y []float32, x []float32, factor float32", "sets y = factor·x.")
	n, y, x, factor := k.length("y"), k.pointer("y"), k.pointer("x"), k.scalar("factor")
	k.each(n, func(bool) {
		v := k.loadNext(x)
		k.fmul(v, v, factor)
		k.storeNext(v, y)
	})
	return k
}

// The tanh form of the GELU is x·σ(2u) with 2u = x(geluLinear + geluCubic·x²).
const (
	geluLinear = 2 * 0.7978845608028654 // 2√(2/π)
	geluCubic  = geluLinear * 0.044715
	geluEdge   = 10 // beyond it gelu' is 0 or 1, and exp(−2u) about to overflow
)

// expMinus2u is exp(−2u) of x, and x². C holds −geluCubic and −geluLinear.
func (k *kernel) expMinus2u(x vec, c []lane, e *exponential) (power, square vec) {
	power, square = k.vec(), k.vec()
	k.fmul(square, x, x)
	k.spread(power, c[1])
	k.fmlaLane(power, square, c[0])
	k.fmul(power, power, x)
	k.exp(power, e)
	return power, square
}

func gelu() *kernel {
	k := newKernel("Gelu", "y []float32, x []float32", "sets y = x/(1 + exp(−2u)), u = √(2/π)(x + 0.044715x³).")
	e, c := k.exponential(), k.packed(-geluCubic, -geluLinear)
	n, y, x := k.length("y"), k.pointer("y"), k.pointer("x")
	k.each(n, func(bool) {
		v := k.loadNext(x)
		power, _ := k.expMinus2u(v, c, e)
		k.fadd(power, power, e.one)
		k.fdiv(v, v, power)
		k.storeNext(v, y)
	})
	return k
}

func geluBackward() *kernel {
	k := newKernel("GeluBackward", "dx []float32, dy []float32, x []float32",
		"sets dx = dy·(σ + x·2u'·σ·(1−σ)) with σ = 1/(1 + e), 1−σ = σ·e, e = exp(−2u).")
	e, c := k.exponential(), k.packed(-geluCubic, -geluLinear, 3*geluCubic, geluLinear)
	least, most := k.constant(-geluEdge), k.constant(geluEdge)
	n, dx, dy, x := k.length("dx"), k.pointer("dx"), k.pointer("dy"), k.pointer("x")
	k.each(n, func(bool) {
		v := k.loadNext(x)
		k.fmax(v, v, least)
		k.fmin(v, v, most)
		power, square := k.expMinus2u(v, c, e)
		s, d := k.vec(), k.vec()
		k.fadd(s, power, e.one)
		k.fdiv(s, e.one, s)
		k.fmul(power, power, s) // 1−σ
		k.spread(d, c[3])
		k.fmlaLane(d, square, c[2]) // 2u'
		k.fmul(d, d, v)
		k.fmul(d, d, s)
		k.fmla(s, d, power)
		k.fmul(s, s, k.loadNext(dy))
		k.storeNext(s, dx)
	})
	return k
}
