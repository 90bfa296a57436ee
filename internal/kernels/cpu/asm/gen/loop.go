//go:build generate

package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// each generates a loop over arrays of count elements, a vector at a time, and once more under the tail mask for what
// remains. Body works at the arrays' current places.
func (g *generator) each(count reg.GPVirtual, arrays []reg.GPVirtual, body func(tail bool)) {
	full, rest, done := g.label("vectors"), g.label("rest"), g.label("end")
	held := len(g.registers)
	n := g.copyOf(count)
	g.SUBQ(operand.U8(uint8(g.lanes)), n)
	g.JL(jump(rest))
	g.Label(full)
	body(false)
	if len(g.registers) != held {
		panic("a constant's first use is inside a loop, which a short array skips")
	}
	for _, a := range arrays {
		g.ADDQ(operand.U8(uint8(g.bytes())), a)
	}
	g.SUBQ(operand.U8(uint8(g.lanes)), n)
	g.JGE(jump(full))
	g.Label(rest)
	g.ADDQ(operand.U8(uint8(g.lanes)), n)
	g.JZ(jump(done))
	g.setTail(n)
	body(true)
	g.Label(done)
}

// times generates a loop that runs count times; count is used up. It may be 0.
func (g *generator) times(count reg.GPVirtual, body func()) {
	head, done := g.label("times"), g.label("done")
	g.TESTQ(count, count)
	g.JZ(jump(done))
	g.Label(head)
	body()
	g.DECQ(count)
	g.JNZ(jump(head))
	g.Label(done)
}

func here(r reg.Register) operand.Mem { return operand.Mem{Base: r} }

// scalar broadcasts a float32 parameter.
func (g *generator) scalar(param string) reg.VecVirtual {
	v := g.vec()
	at, err := g.Param(param).Resolve()
	if err != nil {
		panic(err)
	}
	g.VBROADCASTSS(at.Addr, v)
	return v
}

// fold combines all lanes into the lowest, halves first; the order is fixed.
func (g *generator) fold(v reg.VecVirtual, combine func(a, b, to operand.Op)) {
	if g.wide() {
		high := g.YMM()
		g.VEXTRACTF64X4(operand.U8(1), v, high)
		combine(high, v.AsY(), v.AsY())
	}
	high := g.XMM()
	g.VEXTRACTF128(operand.U8(1), v.AsY(), high)
	combine(high, v.AsX(), v.AsX())
	g.VPERMILPS(operand.U8(0b1110), v.AsX(), high)
	combine(high, v.AsX(), v.AsX())
	g.VPERMILPS(operand.U8(0b01), v.AsX(), high)
	combine(high, v.AsX(), v.AsX())
}

func (g *generator) foldSum(v reg.VecVirtual) {
	g.fold(v, func(a, b, to operand.Op) { g.VADDPS(a, b, to) })
}

// give stores the lowest lane as the i-th result.
func (g *generator) give(v reg.VecVirtual, i int) { g.Store(v.AsX(), g.ReturnIndex(i)) }

// Predicates of VCMPPS that are true for NaN, too.
const (
	cmpNotEqual  = 4
	cmpNotAtMost = 6
)

// notEqual is a mask of the lanes where a and b differ.
func (g *generator) notEqual(a reg.Register, b reg.VecVirtual) reg.Register {
	return g.compare(cmpNotEqual, a, b)
}

// notAtMost is a mask of the lanes where b is not at most a.
func (g *generator) notAtMost(a reg.Register, b reg.VecVirtual) reg.Register {
	return g.compare(cmpNotAtMost, a, b)
}

func (g *generator) compare(predicate uint8, a reg.Register, b reg.VecVirtual) reg.Register {
	if g.wide() {
		k := g.K()
		g.VCMPPS(operand.U8(predicate), a, b, k)
		return k
	}
	m := g.vec()
	g.VCMPPS(operand.U8(predicate), a, b, m)
	return m
}

// keepLanes zeroes the lanes of v outside a mask.
func (g *generator) keepLanes(mask reg.Register, v reg.VecVirtual) {
	if g.wide() {
		g.VMOVAPS_Z(v, mask, v)
		return
	}
	g.VANDPS(mask, v, v)
}

// loadTailOr is loadTail with another value than 0 in the lanes outside.
func (g *generator) loadTailOr(m operand.Mem, v reg.VecVirtual, fill reg.Register) {
	if g.wide() {
		g.VMOVAPS(fill, v)
		g.VMOVUPS(m, g.tail, v)
		return
	}
	g.loadTail(m, v)
	g.VBLENDVPS(g.tail, v, fill, v)
}
