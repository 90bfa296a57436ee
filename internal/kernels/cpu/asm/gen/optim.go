//go:build generate

package main

import "github.com/mmcloughlin/avo/reg"

func (g *generator) adamW() {
	g.function("AdamW", "func(p []float32, grad []float32, m []float32, v []float32, gradScale float32, beta1 float32, rest1 float32, beta2 float32, rest2 float32, keep float32, rate float32, root float32, eps float32)",
		"takes one step: g = gradScale·grad, m = beta1·m + rest1·g, v = beta2·v + rest2·g², p = keep·p − rate·m/(root·√v + eps).")
	n := g.length("p")
	p, grad, m, v := g.pointer("p"), g.pointer("grad"), g.pointer("m"), g.pointer("v")
	gradScale, beta1, rest1 := g.scalar("gradScale"), g.scalar("beta1"), g.scalar("rest1")
	beta2, rest2 := g.scalar("beta2"), g.scalar("rest2")
	keep, rate, root, eps := g.scalar("keep"), g.scalar("rate"), g.scalar("root"), g.scalar("eps")
	g.each(n, []reg.GPVirtual{p, grad, m, v}, func(tail bool) {
		d, first, second, x := g.vec(), g.vec(), g.vec(), g.vec()
		g.loadAt(here(grad), d, tail)
		g.VMULPS(gradScale, d, d)
		g.loadAt(here(m), first, tail)
		g.VMULPS(beta1, first, first)
		g.VFMADD231PS(rest1, d, first)
		g.storeAt(first, here(m), tail)
		g.loadAt(here(v), second, tail)
		g.VMULPS(d, d, d)
		g.VMULPS(beta2, second, second)
		g.VFMADD231PS(rest2, d, second)
		g.storeAt(second, here(v), tail)
		g.VSQRTPS(second, second)
		g.VFMADD213PS(eps, root, second)
		g.VMULPS(rate, first, first)
		g.VDIVPS(second, first, first)
		g.loadAt(here(p), x, tail)
		g.VFMSUB132PS(keep, first, x)
		g.storeAt(x, here(p), tail)
	})
	g.end()
}
