//go:build generate

package main

func topTwo() *kernel {
	k := newKernel("TopTwo", "x []float32, top []float32, second []float32",
		"leaves each lane's largest and second largest element of x in top and second, −∞ where there is none.")
	n, x := k.length("x"), k.pointer("x")
	none, top, second := k.constant(infinity(-1)), k.vec(), k.vec()
	k.move(top, none)
	k.move(second, none)
	k.each(n, func(rest bool) {
		var v vec
		if rest {
			v = k.vec()
			k.move(v, none)
			k.ins("VLD1.P 4(%s), V%d.S[0]", x, v[0])
		} else {
			v = k.loadNext(x)
		}
		lower := k.vec()
		first, next := top[:len(v)], second[:len(v)]
		k.fminNumber(lower, v, first)
		k.fmaxNumber(next, next, lower)
		k.fmaxNumber(first, first, v)
	})
	k.store(top, k.pointer("top"))
	k.store(second, k.pointer("second"))
	return k
}

func expSum() *kernel {
	k := newKernelWithResults("ExpSum", "e []float32, x []float32, max float32", "sum float32, spread float32",
		"sets e = exp(x − max) and returns Σ e and Σ e·(max − x).")
	constants := k.exponential()
	n, e, x, top := k.length("x"), k.pointer("e"), k.pointer("x"), k.scalar("max")
	sum, spread := k.vec(), k.vec()
	k.zero(sum)
	k.zero(spread)
	k.each(n, func(rest bool) {
		v, d := k.loadNext(x), k.vec()
		k.fsub(v, v, top)
		k.fmax(v, v, constants.lowest) // 0·∞ would be NaN
		k.move(d, v)
		k.exp(v, constants)
		k.storeNext(v, e)
		if rest {
			k.alone(v)
		}
		to, spreadTo := sum[:len(v)], spread[:len(v)]
		k.fadd(to, to, v)
		k.fmls(spreadTo, d, v)
	})
	k.give(k.fold(sum), "sum")
	k.give(k.fold(spread), "spread")
	return k
}
