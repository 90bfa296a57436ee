//go:build generate

package main

import (
	"math"

	"github.com/mmcloughlin/avo/reg"
)

func (g *generator) topTwo() {
	g.function("TopTwo", "func(x []float32, top []float32, second []float32)",
		"leaves each lane's largest and second largest element of x in top and second, −∞ where there is none.")
	n, x := g.length("x"), g.pointer("x")
	none := g.inRegister(float32(math.Inf(-1)))
	top, second := g.vec(), g.vec()
	g.VMOVAPS(none, top)
	g.VMOVAPS(none, second)
	g.each(n, []reg.GPVirtual{x}, func(tail bool) {
		v, lower := g.vec(), g.vec()
		if tail {
			g.loadTailOr(here(x), v, none)
		} else {
			g.load(here(x), v)
		}
		g.VMINPS(top, v, lower)
		g.VMAXPS(lower, second, second)
		g.VMAXPS(top, v, top)
	})
	g.store(top, here(g.pointer("top")))
	g.store(second, here(g.pointer("second")))
	g.end()
}

func (g *generator) expSum() {
	g.function("ExpSum", "func(e []float32, x []float32, max float32) (sum float32, spread float32)",
		"sets e = exp(x − max) and returns Σ e and Σ e·(max − x).")
	g.prepareExp()
	n, e, x, top := g.length("x"), g.pointer("e"), g.pointer("x"), g.scalar("max")
	sum, spread := g.vec(), g.vec()
	g.zero(sum)
	g.zero(spread)
	g.each(n, []reg.GPVirtual{e, x}, func(tail bool) {
		v, d := g.vec(), g.vec()
		g.loadAt(here(x), v, tail)
		g.VSUBPS(top, v, v)
		g.VMAXPS(v, g.inRegister(expLowest), v) // 0·∞ would be NaN
		g.VMOVAPS(v, d)
		g.exp(v)
		g.storeAt(v, here(e), tail)
		if tail {
			g.keepLanes(g.tail, v)
		}
		g.VADDPS(v, sum, sum)
		g.VFNMADD231PS(d, v, spread)
	})
	g.foldSum(sum)
	g.foldSum(spread)
	g.give(sum, 0)
	g.give(spread, 1)
	g.end()
}
