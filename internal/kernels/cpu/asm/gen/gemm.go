//go:build generate

package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// maxStrip is the widest strip of C, in vectors.
const maxStrip = 3

// unroll is how many steps of k the inner loop takes at once.
const unroll = 4

// fetchShift says how far ahead rows of B are fetched, 2^fetchShift rows: it matters where B is read where it lies, each row on another
// page, which the machine does not foresee.
const fetchShift = 4

// gemm generates a product of m rows and one strip of up to width vectors. C's rows stay in registers for all
// of k: each step broadcasts one element of A per row and multiplies it with a row of B.
//
// Each element of C is one chain of fused multiply-adds in ascending k, begun at Init + Bias. So cutting k, m or n anywhere, or
// computing a row alone, gives the same bits.
func (g *generator) gemm(width int) {
	g.function(fmt.Sprintf("GEMM%d", width),
		"func(c []float32, ldc int, init []float32, ldi int, bias []float32, a []float32, sam int, sak int, b []float32, ldb int, m int, n int, k int)",
		fmt.Sprintf("sets C = Init + Bias + A·B for a strip of at most %d columns.", width*g.lanes),
		"A's element (i, k) is a[i·sam+k·sak]; rows of B, C and Init are ldb, ldc and ldi apart. Init and Bias may be nil.")
	s := strip{generator: g, width: width}
	rest := s.setUp()
	if !g.wide() { // a mask costs AVX2 instructions in every step
		partial := g.label("partial")
		g.CMPQ(rest, operand.U8(uint8(g.lanes)))
		g.JNE(jump(partial))
		s.full = true
		s.blocks()
		g.Label(partial)
		s.full = false
	}
	s.maskTail(rest)
	s.blocks()
}

// strip is the state of one gemm function while it is generated.
type strip struct {
	*generator
	width           int
	full            bool // the strip's last vector is a whole one
	c, ldc          reg.GPVirtual
	init, ldi, bias reg.GPVirtual
	a, sam, sam3    reg.GPVirtual
	m               reg.GPVirtual
}

// setUp loads what the whole function needs, and returns how many columns the last vector has.
func (s *strip) setUp() reg.GPVirtual {
	rest := s.number("n")
	s.SUBQ(operand.U32(uint32((s.width-1)*s.lanes)), rest)
	s.c, s.init = s.pointer("c"), s.pointer("init")
	s.a, s.sam = s.pointer("a"), s.stride("sam")
	s.sam3 = s.triple(s.sam)
	s.m = s.number("m")
	return rest
}

func (s *strip) maskTail(rest reg.GPVirtual) {
	s.setTail(rest)
	// A step holds the sums, a row of B and one element of A; with width 3 nothing is left of 16 registers.
	if s.rows[s.width][0]*s.width+s.width+1 >= s.vectors {
		s.spillTail()
	}
}

// blocks generates all rows of the strip, and the return.
func (s *strip) blocks() {
	for i, rows := range s.rows[s.width] {
		s.block(rows, i == 0)
	}
	s.end()
}

// block generates the loop over blocks of the given number of rows (once, if it is a rest smaller than the number
// before).
func (s *strip) block(rows int, loop bool) {
	head, done := s.label("rows"), s.label("fewer")
	s.Label(head)
	s.CMPQ(s.m, operand.U32(uint32(rows)))
	s.JL(jump(done))
	acc := make([][]reg.VecVirtual, rows)
	for r := range acc {
		acc[r] = s.vecs(s.width)
	}
	s.begin(acc)
	s.multiply(acc)
	ldc := s.stride("ldc")
	for r := range acc {
		for v, x := range acc[r] {
			s.storeAt(x, s.column(s.c, v), s.last(v))
		}
		s.ADDQ(ldc, s.c)
	}
	s.SUBQ(operand.U32(uint32(rows)), s.m)
	if loop {
		s.JMP(jump(head))
	}
	s.Label(done)
}

// last reports whether vector v is read and written under the mask.
func (s *strip) last(v int) bool { return v == s.width-1 && !s.full }

func (s *strip) column(row reg.Register, v int) operand.Mem {
	return operand.Mem{Base: row, Disp: v * s.bytes()}
}

// begin sets the accumulators to Init + Bias.
func (s *strip) begin(acc [][]reg.VecVirtual) {
	blank, biased, done := s.label("blank"), s.label("bias"), s.label("begun")
	s.TESTQ(s.init, s.init)
	s.JZ(jump(blank))
	ldi := s.stride("ldi")
	for r := range acc {
		for v, x := range acc[r] {
			s.loadAt(s.column(s.init, v), x, s.last(v))
		}
		s.ADDQ(ldi, s.init)
	}
	s.JMP(jump(biased))
	s.Label(blank)
	for r := range acc {
		for _, x := range acc[r] {
			s.zero(x)
		}
	}
	s.Label(biased)
	bias := s.pointer("bias")
	s.TESTQ(bias, bias)
	s.JZ(jump(done))
	for v := range s.width {
		x := s.vec()
		s.loadAt(s.column(bias, v), x, s.last(v))
		for r := range acc {
			s.VADDPS(x, acc[r][v], acc[r][v])
		}
	}
	s.Label(done)
}

// multiply runs over k and leaves a at the block's next row.
func (s *strip) multiply(acc [][]reg.VecVirtual) {
	k, sak := s.number("k"), s.stride("sak")
	b, ldb := s.pointer("b"), s.stride("ldb")
	far := s.copyOf(ldb)
	s.SHLQ(operand.U8(fetchShift), far)
	s.ADDQ(b, far)
	a := []reg.GPVirtual{s.GP64()}
	s.MOVQ(s.a, a[0])
	if len(acc) > 4 {
		a = append(a, s.GP64())
		s.LEAQ(operand.Mem{Base: s.a, Index: s.sam, Scale: 4}, a[1])
	}
	step := func() {
		row := s.vecs(s.width)
		for v, x := range row {
			s.loadAt(s.column(b, v), x, s.last(v))
		}
		x := s.vec()
		for r := range acc {
			s.VBROADCASTSS(rowOf(a[r/4], s.sam, s.sam3, r%4), x)
			for v := range row {
				s.VFMADD231PS(row[v], x, acc[r][v])
			}
		}
		for v := range row {
			s.PREFETCHT0(s.column(far, v))
		}
		s.ADDQ(ldb, far)
		s.ADDQ(ldb, b)
		for _, p := range a {
			s.ADDQ(sak, p)
		}
	}
	many, few, one, done := s.label("k"), s.label("kRest"), s.label("kOne"), s.label("kDone")
	s.SUBQ(operand.U8(unroll), k)
	s.JL(jump(few))
	s.Label(many)
	for range unroll {
		step()
	}
	s.SUBQ(operand.U8(unroll), k)
	s.JGE(jump(many))
	s.Label(few)
	s.ADDQ(operand.U8(unroll), k)
	s.JZ(jump(done))
	s.Label(one)
	step()
	s.DECQ(k)
	s.JNZ(jump(one))
	s.Label(done)
	s.LEAQ(operand.Mem{Base: s.a, Index: s.sam, Scale: 1}, s.a)
	for range len(acc) - 1 {
		s.ADDQ(s.sam, s.a)
	}
}
