//go:build generate

package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

func (g *generator) dot() {
	g.function("Dot", "func(a []float32, b []float32) float32", "returns Σ a·b, summed by lanes and then across them.")
	n, a, b := g.length("a"), g.pointer("a"), g.pointer("b")
	sum := g.vec()
	g.zero(sum)
	g.each(n, []reg.GPVirtual{a, b}, func(tail bool) {
		v, w := g.vec(), g.vec()
		g.loadAt(here(a), v, tail)
		g.loadAt(here(b), w, tail)
		g.VFMADD231PS(w, v, sum)
	})
	g.foldSum(sum)
	g.give(sum, 0)
	g.end()
}

func (g *generator) sumSquares() {
	g.function("SumSquares", "func(x []float32) float64", "returns Σ x², in float64.")
	n, x := g.length("x"), g.pointer("x")
	sums := g.vecs(2)
	for _, s := range sums {
		g.zero(s)
	}
	g.each(n, []reg.GPVirtual{x}, func(tail bool) {
		v := g.vec()
		g.loadAt(here(x), v, tail)
		for i, half := range g.halves(v) {
			d := g.vec()
			g.VCVTPS2PD(half, d)
			g.VFMADD231PD(d, d, sums[i])
		}
	})
	sum := sums[0]
	g.VADDPD(sums[1], sum, sum)
	if g.wide() {
		high := g.YMM()
		g.VEXTRACTF64X4(operand.U8(1), sum, high)
		g.VADDPD(high, sum.AsY(), sum.AsY())
	}
	high := g.XMM()
	g.VEXTRACTF128(operand.U8(1), sum.AsY(), high)
	g.VADDPD(high, sum.AsX(), sum.AsX())
	g.VPERMILPD(operand.U8(1), sum.AsX(), high)
	g.VADDPD(high, sum.AsX(), sum.AsX())
	g.give(sum, 0)
	g.end()
}

// halves are v's lower and upper half as registers of half the width.
func (g *generator) halves(v reg.VecVirtual) [2]reg.Register {
	if g.wide() {
		high := g.YMM()
		g.VEXTRACTF64X4(operand.U8(1), v, high)
		return [2]reg.Register{v.AsY(), high}
	}
	high := g.XMM()
	g.VEXTRACTF128(operand.U8(1), v, high)
	return [2]reg.Register{v.AsX(), high}
}

// stripe is how many columns columnSums takes at once: whole cache lines, and enough sums to hide an addition's latency.
const stripe = 64

func (g *generator) columnSums() {
	g.function("ColumnSums", "func(sum []float32, x []float32, stride int, rows int)",
		"sets sum to the sums of len(sum) columns of x, rows in ascending order.")
	n, sum, x, stride := g.length("sum"), g.pointer("sum"), g.pointer("x"), g.stride("stride")
	narrow, done := g.label("narrow"), g.label("done")
	g.CMPQ(n, operand.U8(stripe))
	g.JNE(jump(narrow))
	sums := g.vecs(stripe / g.lanes)
	for _, s := range sums {
		g.zero(s)
	}
	g.times(g.number("rows"), func() {
		for i, s := range sums {
			g.VADDPS(operand.Mem{Base: x, Disp: i * g.bytes()}, s, s)
		}
		g.ADDQ(stride, x)
	})
	for i, s := range sums {
		g.store(s, operand.Mem{Base: sum, Disp: i * g.bytes()})
	}
	g.JMP(jump(done))
	g.Label(narrow)
	g.each(n, []reg.GPVirtual{sum, x}, func(tail bool) {
		s, at := g.vec(), g.copyOf(x)
		g.zero(s)
		g.times(g.number("rows"), func() {
			v := g.vec()
			g.loadAt(here(at), v, tail)
			g.VADDPS(v, s, s)
			g.ADDQ(stride, at)
		})
		g.storeAt(s, here(sum), tail)
	})
	g.Label(done)
	g.end()
}
