//go:build generate

package main

import "fmt"

const (
	maxStrip  = 3 // the widest strip of C, in vectors
	blockRows = 4 // rows of C in registers at once: with the widest strip 24 registers, four of A and four of B
)

// gemm generates a product of m rows and one strip of up to width vectors. C's rows stay in registers for all of k:
// each step multiplies a row of B with one element of A per row, which is a lane of a register.
//
// Nothing is read or written beyond the strip's columns: if the last vector is not whole, its registers overlap those
// before, and the columns they share are computed twice, with the same bits. So a strip has at least four columns.
//
// Each element of C is one chain of fused multiply-adds in ascending k, begun at Init + Bias. So cutting k, m or n
// anywhere, or computing a row alone, gives the same bits.
func gemm(width int) *kernel {
	k := newKernel(fmt.Sprintf("GEMM%d", width),
		"c []float32, ldc int, init []float32, ldi int, bias []float32, a []float32, sam int, sak int, b []float32, ldb int, m int, n int, k int",
		fmt.Sprintf("sets C = Init + Bias + A·B for a strip of %d … %d columns.", max(quad, (width-1)*lanes), width*lanes),
		"A's element (i, k) is a[i·sam+k·sak], one of its strides 1; rows of B, C and Init are ldb, ldc and ldi apart. Init and Bias may be nil.")
	s := strip{kernel: k, width: width}
	s.setUp()
	s.rows(blockRows)
	s.rows(1)
	return k
}

// strip is the state of one gemm function while it is generated.
type strip struct {
	*kernel
	width               int // in vectors
	m, c, ldc           gp
	init, ldi, bias     gp
	a, sam, sak, b, ldb gp
	steps               gp
	offsets             [pair]gp // where the registers of the last vector lie in a row
}

func (s *strip) setUp() {
	s.m, s.c, s.ldc = s.number("m"), s.pointer("c"), s.stride("ldc")
	s.init, s.ldi, s.bias = s.pointer("init"), s.stride("ldi"), s.pointer("bias")
	s.a, s.sam, s.sak = s.pointer("a"), s.stride("sam"), s.stride("sak")
	s.b, s.ldb, s.steps = s.pointer("b"), s.stride("ldb"), s.number("k")
	first, last := s.reg(), s.stride("n")
	s.ins("SUB $%d, %s, %s", regBytes, last, last)
	s.ins("MOVD $%d, %s", (s.width-1)*vecBytes, first)
	s.ins("CMP %s, %s", last, first)
	s.ins("CSEL GT, %s, %s, %s", last, first, first)
	s.offsets = [pair]gp{first, last}
}

// columns is how many registers a row of the strip has.
func (s *strip) columns() int { return pair * s.width }

// loadPair loads the registers of vector v of a row, storeRow stores all.
func (s *strip) loadPair(row gp, v int, to []int) {
	if v < s.width-1 {
		s.ins("FLDPQ %d(%s), (F%d, F%d)", v*vecBytes, row, to[0], to[1])
		return
	}
	for i, at := range s.offsets {
		s.loadAt(to[i], row, at)
	}
}

func (s *strip) storeRow(row gp, from []int) {
	for v := range s.width {
		v0, v1 := from[pair*v], from[pair*v+1]
		if v < s.width-1 {
			s.ins("FSTPQ (F%d, F%d), %d(%s)", v0, v1, v*vecBytes, row)
			continue
		}
		s.storeAt(v0, row, s.offsets[0])
		s.storeAt(v1, row, s.offsets[1])
	}
}

// rows generates the loop over blocks of the given number of rows.
func (s *strip) rows(rows int) {
	s.eachBlock(s.m, rows, func() {
		sums := make([]vec, rows)
		for r := range sums {
			sums[r] = s.registers(s.columns())
		}
		s.begin(sums)
		if rows == 1 {
			s.multiplyRow(sums[0])
		} else {
			s.multiply(sums)
		}
		for _, sum := range sums {
			s.storeRow(s.c, sum)
			s.ins("ADD %s, %s, %s", s.ldc, s.c, s.c)
			s.ins("ADD %s, %s, %s", s.sam, s.a, s.a)
		}
	})
}

// begin sets the sums to Init + Bias.
func (s *strip) begin(sums []vec) {
	for _, sum := range sums {
		s.zero(sum)
	}
	s.unlessNil(s.init, func() {
		for _, sum := range sums {
			for v := range s.width {
				s.loadPair(s.init, v, sum[pair*v:])
			}
			s.ins("ADD %s, %s, %s", s.ldi, s.init, s.init)
		}
	})
	s.unlessNil(s.bias, func() {
		x := s.registers(pair)
		for v := range s.width {
			s.loadPair(s.bias, v, x)
			for _, sum := range sums {
				to := sum[pair*v : pair*v+pair]
				s.fadd(to, to, x)
			}
		}
	})
}

// step adds to each row's sum the product of its element of A and the row of B, and moves b to the next.
func (s *strip) step(b gp, sums []vec, a []lane) {
	s.scope(func() {
		rows := [2]vec{s.registers(pair), s.registers(pair)}
		for v := range s.width {
			row := rows[v%2]
			s.loadPair(b, v, row)
			for r, sum := range sums {
				s.fmlaLane(sum[pair*v:pair*v+pair], row, a[r])
			}
		}
		s.ins("ADD %s, %s, %s", s.ldb, b, b)
	})
}

// multiply runs over k. A's rows are read four elements at a time where they are contiguous, else its columns, which
// are then.
func (s *strip) multiply(sums []vec) {
	b, k := s.copyOf(s.b), s.copyOf(s.steps)
	a := s.registers(blockRows)
	across, done := s.label("across"), s.label("kDone")
	s.ins("CMP $4, %s", s.sak)
	s.ins("BNE %s", across)
	s.scope(func() { s.alongRows(sums, a, b, k) })
	s.ins("B %s", done)
	s.place(across)
	s.scope(func() {
		column := s.copyOf(s.a)
		s.times(k, func() {
			s.ins("VLD1.P (%s)(%s), [V%d.S4]", column, s.sak, a[0])
			s.step(b, sums, []lane{{a[0], 0}, {a[0], 1}, {a[0], 2}, {a[0], 3}})
		})
	})
	s.place(done)
}

func (s *strip) alongRows(sums []vec, a vec, b, k gp) {
	rows := []gp{s.copyOf(s.a)}
	for r := 1; r < blockRows; r++ {
		next := s.reg()
		s.ins("ADD %s, %s, %s", s.sam, rows[r-1], next)
		rows = append(rows, next)
	}
	lanesOf := func(i int) []lane {
		all := make([]lane, blockRows)
		for r := range all {
			all[r] = lane{a[r], i}
		}
		return all
	}
	s.eachBlock(k, quad, func() {
		for r, p := range rows {
			s.ins("FMOVQ.P %d(%s), F%d", regBytes, p, a[r])
		}
		for i := range quad {
			s.step(b, sums, lanesOf(i))
		}
	})
	s.times(k, func() {
		for r, p := range rows {
			s.ins("FMOVS.P 4(%s), F%d", p, a[r])
		}
		s.step(b, sums, lanesOf(0))
	})
}

// multiplyRow runs over k for a single row.
func (s *strip) multiplyRow(sum vec) {
	b, k, p := s.copyOf(s.b), s.copyOf(s.steps), s.copyOf(s.a)
	a := s.single()
	s.times(k, func() {
		s.ins("FMOVS (%s), F%d", p, a[0])
		s.ins("ADD %s, %s, %s", s.sak, p, p)
		s.step(b, []vec{sum}, []lane{{a[0], 0}})
	})
}

// gemmColumn generates the product of a single column, for what is too narrow to be a strip. Its chains are those of
// gemm.
func gemmColumn() *kernel {
	k := newKernel("GEMMColumn",
		"c []float32, ldc int, init []float32, ldi int, bias []float32, a []float32, sam int, sak int, b []float32, ldb int, m int, k int",
		"sets C = Init + Bias + A·B for a single column. A's element (i, k) is a[i·sam+k·sak]; rows of B, C and Init are ldb, ldc and",
		"ldi apart. Init and Bias may be nil.")
	m, c, ldc, init, ldi := k.number("m"), k.pointer("c"), k.stride("ldc"), k.pointer("init"), k.stride("ldi")
	a, sam, sak, ldb := k.pointer("a"), k.stride("sam"), k.stride("sak"), k.stride("ldb")
	bias := k.pointer("bias")
	x, y := k.single(), k.single()
	for _, rows := range []int{blockRows, 1} {
		k.eachBlock(m, rows, func() {
			sums := k.registers(rows)
			k.zero(sums)
			k.unlessNil(init, func() {
				for _, sum := range sums {
					k.ins("FMOVS (%s), F%d", init, sum)
					k.ins("ADD %s, %s, %s", ldi, init, init)
				}
			})
			k.unlessNil(bias, func() {
				k.ins("FMOVS (%s), F%d", bias, x[0])
				k.fadd(sums, sums, x)
			})
			var at []gp
			for range rows {
				at = append(at, k.copyOf(a))
				k.ins("ADD %s, %s, %s", sam, a, a)
			}
			b := k.pointer("b")
			k.times(k.number("k"), func() {
				k.ins("FMOVS (%s), F%d", b, y[0])
				k.ins("ADD %s, %s, %s", ldb, b, b)
				for r, p := range at {
					k.ins("FMOVS (%s), F%d", p, x[0])
					k.ins("ADD %s, %s, %s", sak, p, p)
					k.ins("FMADDS F%d, F%d, F%d, F%d", y[0], sums[r], x[0], sums[r])
				}
			})
			for _, sum := range sums {
				k.ins("FMOVS F%d, (%s)", sum, c)
				k.ins("ADD %s, %s, %s", ldc, c, c)
			}
		})
	}
	return k
}
