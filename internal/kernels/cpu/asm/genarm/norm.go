//go:build generate

package main

func layerNorm() *kernel {
	k := newKernelWithResults("LayerNorm", "y []float32, x []float32, weight []float32, bias []float32, eps float32", "mean float32, rstd float32",
		"sets y = (x − mean)·rstd·weight + bias and returns the row's moments.")
	n, x := k.length("y"), k.pointer("x")
	one, inverse := k.inverse(n)

	mean := k.vec()
	k.zero(mean)
	at := k.copyOf(x)
	k.each(k.copyOf(n), func(bool) {
		v := k.loadNext(at)
		sum := mean[:len(v)]
		k.fadd(sum, sum, v)
	})
	mean = k.average(mean, inverse)
	k.give(mean, "mean")

	rstd := k.vec()
	k.zero(rstd)
	k.ins("MOVD %s, %s", x, at)
	k.each(k.copyOf(n), func(rest bool) {
		v := k.loadNext(at)
		k.fsub(v, v, mean)
		if rest {
			k.alone(v)
		}
		k.fmla(rstd[:len(v)], v, v)
	})
	rstd = k.average(rstd, inverse)
	k.fadd(rstd, rstd, k.scalar("eps"))
	k.fsqrt(rstd, rstd)
	k.fdiv(rstd, one, rstd)
	k.give(rstd, "rstd")

	y, weight, bias := k.pointer("y"), k.pointer("weight"), k.pointer("bias")
	k.each(n, func(bool) {
		v, w, b := k.loadNext(x), k.loadNext(weight), k.loadNext(bias)
		k.fsub(v, v, mean)
		k.fmul(v, v, rstd)
		k.fmla(b, v, w)
		k.storeNext(b, y)
	})
	return k
}

// inverse is 1 and 1/n in every lane.
func (k *kernel) inverse(n gp) (one, inverse vec) {
	one, inverse = k.constant(1), k.single()
	k.ins("SCVTFS %s, F%d", n, inverse[0])
	k.spread(inverse, lane{inverse[0], 0})
	k.fdiv(inverse, one, inverse)
	return one, inverse
}

// average is the sum of v's lanes, times inverse, in all lanes.
func (k *kernel) average(v, inverse vec) vec {
	sum := k.fold(v)
	k.fmul(sum, sum, inverse)
	return sum
}

func layerNormBackward() *kernel {
	k := newKernel("LayerNormBackward", "dx []float32, dWeight []float32, dBias []float32, dy []float32, x []float32, weight []float32, add []float32, mean float32, rstd float32",
		"sets dx = rstd·(q − mean(q) − x̂·mean(q·x̂)) + add with x̂ = (x − mean)·rstd and q = dy·weight,",
		"and adds dy·x̂ to dWeight and dy to dBias. Add may be nil.")
	n, mean, rstd := k.length("dx"), k.scalar("mean"), k.scalar("rstd")
	_, inverse := k.inverse(n)
	meanQ, meanQX := k.vec(), k.vec()
	k.zero(meanQ)
	k.zero(meanQX)

	dy, x, weight := k.pointer("dy"), k.pointer("x"), k.pointer("weight")
	// row is x̂, dy and q; in the rest dy and q are 0 beyond the lowest lane.
	row := func() (xhat, d, q vec) {
		xhat, d, q = k.loadNext(x), k.loadNext(dy), k.loadNext(weight)
		k.fsub(xhat, xhat, mean)
		k.fmul(xhat, xhat, rstd)
		k.fmul(q, q, d)
		return xhat, d, q
	}
	k.scope(func() {
		dWeight, dBias := k.pointer("dWeight"), k.pointer("dBias")
		k.each(k.copyOf(n), func(bool) {
			xhat, d, q := row()
			sumQ, sumQX := meanQ[:len(q)], meanQX[:len(q)]
			k.fadd(sumQ, sumQ, q)
			k.fmla(sumQX, q, xhat)
			w, b := k.load(dWeight), k.load(dBias)
			k.fmla(w, d, xhat)
			k.fadd(b, b, d)
			k.storeNext(w, dWeight)
			k.storeNext(b, dBias)
		})
	})
	meanQ, meanQX = k.average(meanQ, inverse), k.average(meanQX, inverse)

	k.reload(dy, "dy")
	k.reload(x, "x")
	k.reload(weight, "weight")
	dx, add := k.pointer("dx"), k.pointer("add")
	plain, done := k.label("plain"), k.label("done")
	second := func(finish func(q vec)) {
		k.each(k.copyOf(n), func(bool) {
			xhat, _, q := row()
			k.fsub(q, q, meanQ)
			k.fmls(q, xhat, meanQX)
			finish(q)
		})
	}
	k.ins("CBZ %s, %s", add, plain)
	second(func(q vec) {
		more := k.loadNext(add)
		k.fmla(more, q, rstd)
		k.storeNext(more, dx)
	})
	k.ins("B %s", done)
	k.place(plain)
	second(func(q vec) {
		k.fmul(q, q, rstd)
		k.storeNext(q, dx)
	})
	k.place(done)
	return k
}
