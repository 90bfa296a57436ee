//go:build generate

package main

import (
	"github.com/mmcloughlin/avo/reg"
)

func (g *generator) layerNorm() {
	g.function("LayerNorm", "func(y []float32, x []float32, weight []float32, bias []float32, eps float32) (mean float32, rstd float32)",
		"sets y = (x − mean)·rstd·weight + bias and returns the row's moments.")
	n, x := g.length("y"), g.pointer("x")
	inverse := g.inverse(n)

	mean := g.vec()
	g.zero(mean)
	at := g.copyOf(x)
	g.each(n, []reg.GPVirtual{at}, func(tail bool) {
		v := g.vec()
		g.loadAt(here(at), v, tail)
		g.VADDPS(v, mean, mean)
	})
	g.average(mean, inverse)
	g.give(mean, 0)

	rstd := g.vec()
	g.zero(rstd)
	g.MOVQ(x, at)
	g.each(n, []reg.GPVirtual{at}, func(tail bool) {
		v := g.vec()
		g.loadAt(here(at), v, tail)
		g.VSUBPS(mean, v, v)
		if tail {
			g.keepLanes(g.tail, v)
		}
		g.VFMADD231PS(v, v, rstd)
	})
	g.average(rstd, inverse)
	g.VADDPS(g.scalar("eps"), rstd, rstd)
	g.VSQRTPS(rstd, rstd)
	g.VDIVPS(rstd, g.inRegister(1), rstd)
	g.give(rstd, 1)

	y, weight, bias := g.pointer("y"), g.pointer("weight"), g.pointer("bias")
	g.each(n, []reg.GPVirtual{y, x, weight, bias}, func(tail bool) {
		v, w, b := g.vec(), g.vec(), g.vec()
		g.loadAt(here(x), v, tail)
		g.loadAt(here(weight), w, tail)
		g.loadAt(here(bias), b, tail)
		g.VSUBPS(mean, v, v)
		g.VMULPS(rstd, v, v)
		g.VFMADD213PS(b, w, v)
		g.storeAt(v, here(y), tail)
	})
	g.end()
}

// inverse is 1/n in every lane.
func (g *generator) inverse(n reg.GPVirtual) reg.VecVirtual {
	v, x := g.vec(), g.XMM()
	g.VXORPS(x, x, x)
	g.VCVTSI2SSQ(n, x, x)
	g.VBROADCASTSS(x, v)
	g.VDIVPS(v, g.inRegister(1), v)
	return v
}

// average spreads the sum of v's lanes, times inverse, over all lanes.
func (g *generator) average(v, inverse reg.VecVirtual) {
	g.foldSum(v)
	g.VBROADCASTSS(v.AsX(), v)
	g.VMULPS(inverse, v, v)
}

func (g *generator) layerNormBackward() {
	g.function("LayerNormBackward", "func(dx []float32, dWeight []float32, dBias []float32, dy []float32, x []float32, weight []float32, add []float32, mean float32, rstd float32)",
		"sets dx = rstd·(q − mean(q) − x̂·mean(q·x̂)) + add with x̂ = (x − mean)·rstd and q = dy·weight,",
		"and adds dy·x̂ to dWeight and dy to dBias. Add may be nil.")
	n, mean, rstd := g.length("dx"), g.scalar("mean"), g.scalar("rstd")
	inverse := g.inverse(n)
	meanQ, meanQX := g.vec(), g.vec()
	g.zero(meanQ)
	g.zero(meanQX)

	dWeight, dBias := g.pointer("dWeight"), g.pointer("dBias")
	dy, x, weight := g.pointer("dy"), g.pointer("x"), g.pointer("weight")
	xhat := func(tail bool) reg.VecVirtual {
		v := g.vec()
		g.loadAt(here(x), v, tail)
		g.VSUBPS(mean, v, v)
		g.VMULPS(rstd, v, v)
		return v
	}
	gradient := func(tail bool) (d, q reg.VecVirtual) {
		d, q = g.vec(), g.vec()
		g.loadAt(here(dy), d, tail)
		g.loadAt(here(weight), q, tail) // 0 beyond the tail, and so are d and q
		g.VMULPS(d, q, q)
		return d, q
	}
	g.each(n, []reg.GPVirtual{dWeight, dBias, dy, x, weight}, func(tail bool) {
		h := xhat(tail)
		d, q := gradient(tail)
		g.VADDPS(q, meanQ, meanQ)
		g.VFMADD231PS(h, q, meanQX)
		sum := g.vec()
		g.loadAt(here(dWeight), sum, tail)
		g.VFMADD231PS(h, d, sum)
		g.storeAt(sum, here(dWeight), tail)
		g.loadAt(here(dBias), sum, tail)
		g.VADDPS(d, sum, sum)
		g.storeAt(sum, here(dBias), tail)
	})
	g.average(meanQ, inverse)
	g.average(meanQX, inverse)

	g.Load(g.Param("dy").Base(), dy)
	g.Load(g.Param("x").Base(), x)
	g.Load(g.Param("weight").Base(), weight)
	dx, add := g.pointer("dx"), g.pointer("add")
	plain, done := g.label("plain"), g.label("done")
	second := func(arrays []reg.GPVirtual, finish func(v reg.VecVirtual, tail bool)) {
		g.each(n, arrays, func(tail bool) {
			h := xhat(tail)
			_, q := gradient(tail)
			g.VSUBPS(meanQ, q, q)
			g.VFNMADD231PS(h, meanQX, q)
			finish(q, tail)
			g.storeAt(q, here(dx), tail)
		})
	}
	g.TESTQ(add, add)
	g.JZ(jump(plain))
	second([]reg.GPVirtual{dx, dy, x, weight, add}, func(v reg.VecVirtual, tail bool) {
		more := g.vec()
		g.loadAt(here(add), more, tail)
		g.VFMADD213PS(more, rstd, v)
	})
	g.JMP(jump(done))
	g.Label(plain)
	second([]reg.GPVirtual{dx, dy, x, weight}, func(v reg.VecVirtual, _ bool) { g.VMULPS(rstd, v, v) })
	g.Label(done)
	g.end()
}
