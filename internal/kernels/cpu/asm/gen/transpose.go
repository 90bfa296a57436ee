//go:build generate

package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// transpose generates dst = scale·srcᵀ by blocks of 8 × 8.
func (g *generator) transpose() {
	g.function("Transpose", "func(dst []float32, ldd int, src []float32, lds int, rows int, cols int, scale float32)",
		"sets dst[c·ldd+r] = scale·src[r·lds+c]. Rows and cols are multiples of 8, cols is not 0.")
	scale := g.YMM()
	at, err := g.Param("scale").Resolve()
	if err != nil {
		panic(err)
	}
	g.VBROADCASTSS(at.Addr, scale)
	dstRow, ldd := g.pointer("dst"), g.stride("ldd")
	srcRow, lds := g.pointer("src"), g.stride("lds")
	rows := g.number("rows")
	ldd3, lds3 := g.triple(ldd), g.triple(lds)

	nextRows, done := g.label("rows"), g.label("done")
	g.Label(nextRows)
	g.SUBQ(operand.U8(8), rows)
	g.JL(jump(done))
	cols, src, dst := g.number("cols"), g.copyOf(srcRow), g.copyOf(dstRow)
	src4 := g.GP64()
	g.LEAQ(operand.Mem{Base: src, Index: lds, Scale: 4}, src4)
	nextCols := g.label("cols")
	g.Label(nextCols)
	g.fetch(src, lds, lds3)
	g.fetch(src4, lds, lds3)
	for half := range 2 {
		for c, column := range g.turn4(src, src4, lds, lds3, half) {
			g.VMULPS(scale, column, column)
			g.VMOVUPS(column, rowOf(dst, ldd, ldd3, c))
		}
		g.LEAQ(operand.Mem{Base: dst, Index: ldd, Scale: 4}, dst)
	}
	g.ADDQ(operand.U8(32), src)
	g.ADDQ(operand.U8(32), src4)
	g.SUBQ(operand.U8(8), cols)
	g.JG(jump(nextCols))
	g.LEAQ(operand.Mem{Base: srcRow, Index: lds, Scale: 8}, srcRow)
	g.ADDQ(operand.U8(32), dstRow)
	g.JMP(jump(nextRows))
	g.Label(done)
	g.end()
}

// turn4 loads columns 4·half … 4·half+3 of an 8 × 8 block as registers. Halves of rows r and r+4, from low and from high on, meet in one
// register as they are loaded, so that no later shuffle has to cross its 128-bit lanes.
func (g *generator) turn4(low, high, stride, stride3 reg.GPVirtual, half int) [4]reg.VecVirtual {
	var in [4]reg.VecVirtual
	for r := range in {
		x := g.XMM()
		in[r] = g.YMM()
		g.VMOVUPS(rowOf(low, stride, stride3, r).Offset(16*half), x)
		g.VINSERTF128(operand.U8(1), rowOf(high, stride, stride3, r).Offset(16*half), x.AsY(), in[r])
	}
	return g.transpose4(in)
}

// transpose4 turns four rows into four columns within each 128-bit lane.
func (g *generator) transpose4(in [4]reg.VecVirtual) (out [4]reg.VecVirtual) {
	low, high := [2]reg.VecVirtual{g.vec(), g.vec()}, [2]reg.VecVirtual{g.vec(), g.vec()}
	for i := range 2 {
		g.VUNPCKLPS(in[2*i+1], in[2*i], low[i])
		g.VUNPCKHPS(in[2*i+1], in[2*i], high[i])
	}
	for c := range out {
		out[c] = g.vec()
		pair := low
		if c >= 2 {
			pair = high
		}
		g.VSHUFPS(operand.U8([2]uint8{0x44, 0xEE}[c%2]), pair[1], pair[0], out[c])
	}
	return out
}
