//go:build generate

package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Philox4x32-10, a block in every lane; see package rng, whose bits these are.
const (
	philoxMulA, philoxMulB   = 0xD2511F53, 0xCD9E8D57
	philoxWeylA, philoxWeylB = 0x9E3779B9, 0xBB67AE85
	philoxRounds             = 10
	oddLanes                 = 0xAAAA
)

// philoxParams are the parameters of every function that draws.
const philoxParams = "seedLow uint32, seedHigh uint32, purpose uint32, step uint32, line uint32"

// preparePhilox sets up what philox needs before a loop.
func (g *generator) preparePhilox() {
	for _, w := range []uint32{philoxMulA, philoxMulB, philoxWeylA, philoxWeylB} {
		g.words(w)
	}
	if g.wide() {
		bits := g.GP32()
		g.MOVL(operand.U32(oddLanes), bits)
		g.odd = g.K()
		g.KMOVW(bits, g.odd)
	}
}

// philox is the block of the counter (quad, line, step, purpose).
func (g *generator) philox(quad, line reg.VecVirtual) [4]reg.VecVirtual {
	c := [4]reg.VecVirtual{quad, line, g.scalar("step"), g.scalar("purpose")}
	k := [2]reg.VecVirtual{g.scalar("seedLow"), g.scalar("seedHigh")}
	for round := range philoxRounds {
		if round > 0 {
			g.VPADDD(g.words(philoxWeylA), k[0], k[0])
			g.VPADDD(g.words(philoxWeylB), k[1], k[1])
		}
		highA, lowA := g.multiplyWide(c[0], g.words(philoxMulA))
		highB, lowB := g.multiplyWide(c[2], g.words(philoxMulB))
		for _, x := range []reg.VecVirtual{c[1], k[0]} {
			g.VXORPS(x, highB, highB)
		}
		for _, x := range []reg.VecVirtual{c[3], k[1]} {
			g.VXORPS(x, highA, highA)
		}
		c = [4]reg.VecVirtual{highB, lowB, highA, lowA}
	}
	return c
}

// multiplyWide is the upper and lower word of x·m in every lane. The machine multiplies the even lanes only: the odd ones are
// moved there, and their products back.
func (g *generator) multiplyWide(x reg.VecVirtual, m operand.Op) (high, low reg.VecVirtual) {
	even, odd := g.vec(), g.vec()
	high, low = g.vec(), g.vec()
	g.VPMULUDQ(m, x, even)
	g.VPSRLQ(operand.U8(32), x, odd)
	g.VPMULUDQ(m, odd, odd)
	g.VMOVSHDUP(even, high)
	g.VMOVSLDUP(odd, low)
	if g.wide() {
		g.VMOVAPS(odd, g.odd, high)
		g.VMOVAPS(low, g.odd, even)
		return high, even
	}
	g.VBLENDPS(operand.U8(oddLanes&0xFF), odd, high, high)
	g.VBLENDPS(operand.U8(oddLanes&0xFF), low, even, low)
	return high, low
}

// factor turns a draw into what dropping multiplies by: 0 where unit(draw) < rate, and keep elsewhere.
func (g *generator) factor(draw, rate, keep reg.VecVirtual) {
	const notLess = operand.U8(5)
	g.VPSRLD(operand.U8(8), draw, draw)
	g.VCVTDQ2PS(draw, draw)
	g.VMULPS(g.vector(0x1p-24), draw, draw)
	if g.wide() {
		k := g.K()
		g.VCMPPS(notLess, rate, draw, k)
		g.VMOVAPS_Z(keep, k, draw)
		return
	}
	g.VCMPPS(notLess, rate, draw, draw)
	g.VANDPS(keep, draw, draw)
}

// table is a vector of integers in memory.
func (g *generator) table(name string, at func(lane int) int) operand.Mem {
	m := g.StaticGlobal(fmt.Sprintf("%s_%s", g.file, name))
	g.DataAttributes(attr.RODATA | attr.NOPTR)
	for i := range g.lanes {
		g.AddDatum(4*i, operand.U32(uint32(at(i))))
	}
	return m
}

// dropFactors draws along a line: a lane is a quad of columns. The quads are dealt to the lanes so that transposing within
// 128 bits leaves the columns in order.
func (g *generator) dropFactors() {
	quads := g.table("quads", func(lane int) int { return lane%4*(g.lanes/4) + lane/4 })
	block := 4 * g.lanes
	g.function("DropFactors", "func(f []float32, rate float32, keep float32, "+philoxParams+")",
		"sets f[c] to 0 where unit(draw of column c) < rate, and to keep elsewhere.",
		fmt.Sprintf("The length of f is a multiple of %d.", block))
	g.preparePhilox()
	f, n := g.pointer("f"), g.length("f")
	quad, line, rate, keep := g.vec(), g.scalar("line"), g.scalar("rate"), g.scalar("keep")
	g.load(quads, quad)
	g.words(uint32(g.lanes))
	g.vector(0x1p-24)
	head, done := g.label("block"), g.label("done")
	g.Label(head)
	g.SUBQ(operand.U8(uint8(block)), n)
	g.JL(jump(done))
	words := g.philox(quad, line)
	for _, w := range words {
		g.factor(w, rate, keep)
	}
	for i, v := range g.transpose4(words) {
		g.store(v, operand.Mem{Base: f, Disp: i * g.bytes()})
	}
	g.ADDQ(operand.I32(int32(4*g.bytes())), f)
	g.VPADDD(g.words(uint32(g.lanes)), quad, quad)
	g.JMP(jump(head))
	g.Label(done)
	g.end()
}

// edgeFactors draws for a tile: a lane is a query, that is a line, and a word of its block one of four keys.
func (g *generator) edgeFactors() {
	iota := g.table("iota", func(lane int) int { return lane })
	g.function("EdgeFactors", "func(f []float32, quads int, queries int, rate float32, keep float32, quad uint32, "+philoxParams+")",
		"sets f[j·64+i], j < 4·quads, to 0 where unit(draw of line + i, column 4·quad + j) < rate, and to keep elsewhere.")
	g.preparePhilox()
	rate, keep := g.scalar("rate"), g.scalar("keep")
	g.words(1)
	g.vector(0x1p-24)
	g.eachGroup(func(at reg.GPVirtual) {
		lines, row, quad := g.vec(), g.column("f", at), g.scalar("quad")
		first := g.GP64()
		g.MOVQ(at, first)
		g.SHRQ(operand.U8(2), first)
		g.broadcastWord(first, lines)
		g.VPADDD(g.scalar("line"), lines, lines)
		offsets := g.vec()
		g.load(iota, offsets)
		g.VPADDD(offsets, lines, lines)
		g.times(g.number("quads"), func() {
			for _, w := range g.philox(quad, lines) {
				g.factor(w, rate, keep)
				g.store(w, here(row))
				g.nextRow(row)
			}
			g.VPADDD(g.words(1), quad, quad)
		})
	})
	g.end()
}

// broadcastWord copies the lower word of r to every lane.
func (g *generator) broadcastWord(r reg.GPVirtual, v reg.VecVirtual) {
	x := g.XMM()
	g.VMOVD(r.As32(), x)
	g.VPBROADCASTD(x, v)
}
