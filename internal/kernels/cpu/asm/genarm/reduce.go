//go:build generate

package main

func dot() *kernel {
	k := newKernelWithResults("Dot", "a []float32, b []float32", "sum float32", "returns Σ a·b, summed by lanes and then across them.")
	n, a, b := k.length("a"), k.pointer("a"), k.pointer("b")
	sum := k.vec()
	k.zero(sum)
	k.each(n, func(bool) {
		v, w := k.loadNext(a), k.loadNext(b)
		k.fmla(sum[:len(v)], v, w)
	})
	k.give(k.fold(sum), "sum")
	return k
}

func sumSquares() *kernel {
	k := newKernelWithResults("SumSquares", "x []float32", "sum float64", "returns Σ x², in float64.")
	n, x := k.length("x"), k.pointer("x")
	sums := k.registers(2 * pair)
	k.zero(sums)
	k.each(n, func(bool) {
		for i, r := range k.loadNext(x) {
			for part := range 2 {
				d := k.single()
				k.widen(d, vec{r}, part)
				k.fmlaDouble(sums[2*i+part:2*i+part+1], d, d)
			}
		}
	})
	k.faddDouble(sums[:2], sums[:2], sums[2:])
	k.faddDouble(sums[:1], sums[:1], sums[1:2])
	k.foldDouble(sums, sums)
	k.give(sums, "sum")
	return k
}

// stripe is how many columns columnSums takes at once: whole cache lines, and enough sums to hide an addition's
// latency.
const stripe = 64

func columnSums() *kernel {
	k := newKernel("ColumnSums", "sum []float32, x []float32, stride int, rows int",
		"sets sum to the sums of len(sum) columns of x, rows in ascending order.")
	n, sum, x, stride := k.length("sum"), k.pointer("sum"), k.pointer("x"), k.stride("stride")
	narrow, done := k.label("narrow"), k.label("done")
	k.ins("CMP $%d, %s", stripe, n)
	k.ins("BNE %s", narrow)
	k.scope(func() {
		var sums []vec
		for range stripe / lanes {
			v := k.vec()
			k.zero(v)
			sums = append(sums, v)
		}
		k.times(k.number("rows"), func() {
			for i, s := range sums {
				v := k.registers(pair)
				k.ins("FLDPQ %d(%s), (F%d, F%d)", i*vecBytes, x, v[0], v[1])
				k.fadd(s, s, v)
				k.free(v)
			}
			k.ins("ADD %s, %s, %s", stride, x, x)
		})
		for _, s := range sums {
			k.storeNext(s, sum)
		}
	})
	k.ins("B %s", done)
	k.place(narrow)
	k.each(n, func(bool) {
		s, at := k.vec(), k.copyOf(x)
		k.zero(s)
		k.times(k.number("rows"), func() {
			k.fadd(s, s, k.load(at))
			k.ins("ADD %s, %s, %s", stride, at, at)
		})
		k.storeNext(s, sum)
		k.ins("ADD $%d, %s, %s", 4*k.elements(), x, x)
	})
	k.place(done)
	return k
}
