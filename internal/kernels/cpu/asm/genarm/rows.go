//go:build generate

package main

// The products of a single row of A, which run at the speed of memory. Their chains are those of gemm, so a row has the
// same bits alone as among others.

// rowsAtOnce is how many rows of B addRows goes along side by side.
const rowsAtOnce = 8

// addRows takes B's rows as the streams they are, several of them side by side, and keeps C in the nearest cache.
func addRows() *kernel {
	k := newKernel("AddRows", "c []float32, a []float32, b []float32, ldb int, k int",
		"adds Σ a[i]·b[i·ldb+j], i < k in ascending order, to every c[j].")
	a, b, ldb, steps := k.pointer("a"), k.pointer("b"), k.stride("ldb"), k.number("k")
	for _, rows := range []int{rowsAtOnce, 1} {
		k.eachBlock(steps, rows, func() { k.addRowsOnce(rows, a, b, ldb) })
	}
	return k
}

// addRowsOnce takes the next rows of B, and moves a and b past them.
func (k *kernel) addRowsOnce(rows int, a, b, ldb gp) {
	var factors []lane
	for from := 0; from < rows; from += quad {
		reg, n := k.single()[0], min(quad, rows-from)
		if n == quad {
			k.ins("FMOVQ.P %d(%s), F%d", regBytes, a, reg)
		} else {
			k.ins("FMOVS.P 4(%s), F%d", a, reg)
		}
		for i := range n {
			factors = append(factors, lane{reg, i})
		}
	}
	var from []gp
	for range rows {
		from = append(from, k.copyOf(b))
		k.ins("ADD %s, %s, %s", ldb, b, b)
	}
	c := k.pointer("c")
	k.each(k.length("c"), func(bool) {
		sum := k.load(c)
		for r, p := range from {
			x := k.loadNext(p)
			k.fmlaLane(sum, x, factors[r])
			k.free(x)
		}
		k.storeNext(sum, c)
	})
}

const (
	dotBlock   = 8  // rows of B turned at once
	dotColumns = 16 // and columns: a cache line
)

// dotRows turns 4 × 4 blocks of B in registers, so that its rows lie in the lanes of C.
func dotRows() *kernel {
	k := newKernel("DotRows", "c []float32, a []float32, b []float32, ldb int, k int",
		"adds Σ a[i]·b[j·ldb+i], i < k in ascending order, to every c[j].",
		"The length of c is a multiple of 8, k one of 16 and not 0.")
	c, b, ldb, n := k.pointer("c"), k.pointer("b"), k.stride("ldb"), k.length("c")
	k.eachBlock(n, dotBlock, func() {
		var rows []gp
		for range dotBlock {
			rows = append(rows, k.copyOf(b))
			k.ins("ADD %s, %s, %s", ldb, b, b)
		}
		a, steps := k.pointer("a"), k.number("k")
		sums := k.load(c)
		k.eachBlock(steps, dotColumns, func() {
			for range dotColumns / quad {
				k.scope(func() {
					factors := k.single()
					k.ins("FMOVQ.P %d(%s), F%d", regBytes, a, factors[0])
					for half := range sums {
						for i, column := range k.turn4(rows[quad*half : quad*half+quad]) {
							k.fmlaLane(sums[half:half+1], vec{column}, lane{factors[0], i})
						}
					}
				})
			}
		})
		k.storeNext(sums, c)
	})
	return k
}

// turn4 loads four elements of each of four rows, as four columns, and moves the rows on.
func (k *kernel) turn4(rows []gp) [4]int {
	v, t := k.registers(quad), k.single()
	for r, p := range rows {
		k.ins("FMOVQ.P %d(%s), F%d", regBytes, p, v[r])
	}
	columns, _ := k.transpose4([4]int(v), t[0])
	return columns
}

// transpose generates dst = scale·srcᵀ by blocks of eight rows and four columns.
func transpose() *kernel {
	k := newKernel("Transpose", "dst []float32, ldd int, src []float32, lds int, rows int, cols int, scale float32",
		"sets dst[c·ldd+r] = scale·src[r·lds+c]. Rows is a multiple of 8, cols of 4.")
	factor := k.scalar("scale")
	dst, ldd, src, lds := k.pointer("dst"), k.stride("ldd"), k.pointer("src"), k.stride("lds")
	k.eachBlock(k.number("rows"), lanes, func() {
		var rows []gp
		for range lanes {
			rows = append(rows, k.copyOf(src))
			k.ins("ADD %s, %s, %s", lds, src, src)
		}
		to := k.copyOf(dst)
		k.eachBlock(k.number("cols"), quad, func() {
			upper, lower := k.turn4(rows[:quad]), k.turn4(rows[quad:])
			for c := range quad {
				column := vec{upper[c], lower[c]}
				k.fmul(column, column, factor)
				k.store(column, to)
				k.ins("ADD %s, %s, %s", ldd, to, to)
			}
		})
		k.ins("ADD $%d, %s, %s", vecBytes, dst, dst)
	})
	return k
}
