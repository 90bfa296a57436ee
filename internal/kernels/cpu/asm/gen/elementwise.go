//go:build generate

package main

import "github.com/mmcloughlin/avo/reg"

// binary generates an operation on two arrays.
func (g *generator) binary(name, doc string, combine func(a, b reg.VecVirtual)) {
	g.function(name, "func(y []float32, a []float32, b []float32)", doc)
	g.vector(0)
	n, y, a, b := g.length("y"), g.pointer("y"), g.pointer("a"), g.pointer("b")
	g.each(n, []reg.GPVirtual{y, a, b}, func(tail bool) {
		v, w := g.vec(), g.vec()
		g.loadAt(here(a), v, tail)
		g.loadAt(here(b), w, tail)
		combine(v, w)
		g.storeAt(v, here(y), tail)
	})
	g.end()
}

func (g *generator) add() {
	g.binary("Add", "sets y = a + b.", func(a, b reg.VecVirtual) { g.VADDPS(b, a, a) })
}

func (g *generator) keep() {
	g.binary("Keep", "sets y = a·b, and 0 where b is 0, whatever a is.", func(a, b reg.VecVirtual) {
		kept := g.notEqual(g.inRegister(0), b)
		g.VMULPS(b, a, a)
		g.keepLanes(kept, a)
	})
}

func (g *generator) scale() {
	g.function("Scale", "func(y []float32, x []float32, factor float32)", "sets y = factor·x.")
	n, y, x, factor := g.length("y"), g.pointer("y"), g.pointer("x"), g.scalar("factor")
	g.each(n, []reg.GPVirtual{y, x}, func(tail bool) {
		v := g.vec()
		g.loadAt(here(x), v, tail)
		g.VMULPS(factor, v, v)
		g.storeAt(v, here(y), tail)
	})
	g.end()
}

// The tanh form of the GELU is x·σ(2u) with 2u = x(geluLinear + geluCubic·x²).
const (
	geluLinear = 2 * 0.7978845608028654 // 2√(2/π)
	geluCubic  = geluLinear * 0.044715
	geluEdge   = 10 // beyond it gelu' is 0 or 1, and exp(−2u) about to overflow
)

// expMinus2u is exp(−2u) of x, and x².
func (g *generator) expMinus2u(x reg.VecVirtual) (e, square reg.VecVirtual) {
	e, square = g.vec(), g.vec()
	g.VMULPS(x, x, square)
	g.VMOVUPS(g.vector(-geluCubic), e)
	g.VFMADD213PS(g.vector(-geluLinear), square, e)
	g.VMULPS(x, e, e)
	g.exp(e)
	return e, square
}

func (g *generator) gelu() {
	g.function("Gelu", "func(y []float32, x []float32)", "sets y = x/(1 + exp(−2u)), u = √(2/π)(x + 0.044715x³).")
	g.prepareExp()
	g.vector(-geluLinear)
	g.vector(-geluCubic)
	n, y, x := g.length("y"), g.pointer("y"), g.pointer("x")
	g.each(n, []reg.GPVirtual{y, x}, func(tail bool) {
		v := g.vec()
		g.loadAt(here(x), v, tail)
		e, _ := g.expMinus2u(v)
		g.VADDPS(g.vector(1), e, e)
		g.VDIVPS(e, v, v)
		g.storeAt(v, here(y), tail)
	})
	g.end()
}

func (g *generator) geluBackward() {
	g.function("GeluBackward", "func(dx []float32, dy []float32, x []float32)",
		"sets dx = dy·(σ + x·2u'·σ·(1−σ)) with σ = 1/(1 + e), 1−σ = σ·e, e = exp(−2u).")
	g.prepareExp()
	for _, c := range []float32{-geluLinear, -geluCubic, geluLinear, 3 * geluCubic, -geluEdge, geluEdge} {
		g.vector(c)
	}
	n, dx, dy, x := g.length("dx"), g.pointer("dx"), g.pointer("dy"), g.pointer("x")
	g.each(n, []reg.GPVirtual{dx, dy, x}, func(tail bool) {
		v, d := g.vec(), g.vec()
		g.loadAt(here(x), v, tail)
		g.VMAXPS(v, g.inRegister(-geluEdge), v)
		g.VMINPS(v, g.inRegister(geluEdge), v)
		e, square := g.expMinus2u(v)
		s := g.vec()
		g.VADDPS(g.vector(1), e, s)
		one := g.inRegister(1)
		g.VDIVPS(s, one, s)
		g.VMULPS(s, e, e) // 1−σ
		g.VMOVUPS(g.vector(3*geluCubic), d)
		g.VFMADD213PS(g.vector(geluLinear), square, d) // 2u'
		g.VMULPS(v, d, d)
		g.VMULPS(s, d, d)
		g.VFMADD213PS(s, e, d)
		g.loadAt(here(dy), v, tail)
		g.VMULPS(v, d, d)
		g.storeAt(d, here(dx), tail)
	})
	g.end()
}
