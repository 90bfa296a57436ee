//go:build generate

package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// The products of a single row of A, which run at the speed of memory. Their chains are those of gemm, so a row has the
// same bits alone as among others.

// rowsAtOnce is how many rows of B addRows goes along side by side.
const rowsAtOnce = 8

// addRows takes B's rows as the streams they are, several of them side by side, and keeps C in the nearest cache.
func (g *generator) addRows() {
	g.function("AddRows", "func(c []float32, a []float32, b []float32, ldb int, k int)",
		"adds Σ a[i]·b[i·ldb+j], i < k in ascending order, to every c[j].")
	a, b, ldb, k := g.pointer("a"), g.pointer("b"), g.stride("ldb"), g.number("k")
	n := g.length("c")
	for _, rows := range []int{rowsAtOnce, 1} {
		head, done := g.label("rows"), g.label("fewer")
		g.Label(head)
		g.SUBQ(operand.U8(uint8(rows)), k)
		g.JL(jump(done))
		g.addRowsOnce(rows, n, a, b, ldb)
		g.JMP(jump(head))
		g.Label(done)
		g.ADDQ(operand.U8(uint8(rows)), k)
	}
	g.end()
}

// addRowsOnce takes the next rows of B, and moves a and b past them.
func (g *generator) addRowsOnce(rows int, n, a, b, ldb reg.GPVirtual) {
	ldb3 := g.triple(ldb)
	factors := g.vecs(rows)
	for r, f := range factors {
		g.VBROADCASTSS(operand.Mem{Base: a, Disp: 4 * r}, f)
	}
	g.ADDQ(operand.U8(uint8(4*rows)), a)
	c := g.pointer("c")
	arrays := []reg.GPVirtual{c}
	for r := 0; r < rows; r += 4 {
		arrays = append(arrays, g.copyOf(b))
		for range min(4, rows) {
			g.ADDQ(ldb, b)
		}
	}
	g.each(n, arrays, func(tail bool) {
		sum := g.vec()
		g.loadAt(here(c), sum, tail)
		for r, f := range factors {
			x := g.vec()
			g.loadAt(rowOf(arrays[1+r/4], ldb, ldb3, r%4), x, tail)
			g.VFMADD231PS(x, f, sum)
		}
		if rows == rowsAtOnce && !tail {
			g.fetch(arrays[1], ldb, ldb3)
			g.fetch(arrays[2], ldb, ldb3)
		}
		g.storeAt(sum, here(c), tail)
	})
}

const (
	dotBlock   = 8  // rows of B turned at once, in registers of 8 lanes
	dotColumns = 16 // and columns: a cache line
)

// dotRows turns 8 × 8 blocks of B in registers, so that its rows lie in the lanes of C. Four blocks, one below the other, hide the
// latency of each one's chain.
func (g *generator) dotRows() {
	g.function("DotRows", "func(c []float32, a []float32, b []float32, ldb int, k int)",
		"adds Σ a[i]·b[j·ldb+i], i < k in ascending order, to every c[j].",
		"The length of c is a multiple of 8, k one of 16 and not 0.")
	c, b, ldb, n := g.pointer("c"), g.pointer("b"), g.stride("ldb"), g.length("c")
	ldb3 := g.triple(ldb)
	for _, blocks := range []int{1, 1} {
		head, done := g.label("rows"), g.label("fewer")
		g.Label(head)
		g.SUBQ(operand.U8(uint8(dotBlock*blocks)), n)
		g.JL(jump(done))
		g.dotRowsOnce(blocks, c, b, ldb, ldb3)
		g.JMP(jump(head))
		g.Label(done)
		g.ADDQ(operand.U8(uint8(dotBlock*blocks)), n)
	}
	g.end()
}

// dotRowsOnce takes the next blocks of rows of B, and moves c and b past them.
func (g *generator) dotRowsOnce(blocks int, c, b, ldb, ldb3 reg.GPVirtual) {
	a, k := g.pointer("a"), g.number("k")
	sums := make([]reg.VecVirtual, blocks)
	rows := make([]reg.GPVirtual, 2*blocks) // every fourth row of B
	for i := range rows {
		rows[i] = g.copyOf(b)
		g.LEAQ(operand.Mem{Base: b, Index: ldb, Scale: 4}, b)
	}
	for i := range sums {
		sums[i] = g.YMM()
		g.VMOVUPS(operand.Mem{Base: c, Disp: 4 * dotBlock * i}, sums[i])
	}
	head := g.label("k")
	g.Label(head)
	for i, sum := range sums {
		low, high := rows[2*i], rows[2*i+1]
		for quarter := range dotColumns / 4 {
			for j, column := range g.turn4(low, high, ldb, ldb3, quarter) {
				factor := g.YMM()
				g.VBROADCASTSS(operand.Mem{Base: a, Disp: 4 * (4*quarter + j)}, factor)
				g.VFMADD231PS(column, factor, sum)
			}
		}
	}
	for _, r := range rows {
		g.fetch(r, ldb, ldb3)
		g.ADDQ(operand.U8(4*dotColumns), r)
	}
	g.ADDQ(operand.U8(4*dotColumns), a)
	g.SUBQ(operand.U8(dotColumns), k)
	g.JG(jump(head))
	for i, sum := range sums {
		g.VMOVUPS(sum, operand.Mem{Base: c, Disp: 4 * dotBlock * i})
	}
	g.ADDQ(operand.I32(int32(4*dotBlock*blocks)), c)
}

// fetch brings the lines of four rows, at places eight rows past base, to the second cache. Eight rows side by side are too many streams for
// the machine to foresee.
func (g *generator) fetch(base, stride, stride3 reg.GPVirtual) {
	next := g.GP64()
	g.LEAQ(operand.Mem{Base: base, Index: stride, Scale: 8}, next)
	for r := range 4 {
		g.PREFETCHT1(rowOf(next, stride, stride3, r))
	}
}
