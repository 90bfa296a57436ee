//go:build generate

package main

func adamW() *kernel {
	k := newKernel("AdamW", "p []float32, grad []float32, m []float32, v []float32, gradScale float32, beta1 float32, rest1 float32, beta2 float32, rest2 float32, keep float32, rate float32, root float32, eps float32",
		"takes one step: g = gradScale·grad, m = beta1·m + rest1·g, v = beta2·v + rest2·g², p = keep·p − rate·m/(root·√v + eps).")
	n := k.length("p")
	p, grad, m, v := k.pointer("p"), k.pointer("grad"), k.pointer("m"), k.pointer("v")
	gradScale, beta1, rest1 := k.scalar("gradScale"), k.scalar("beta1"), k.scalar("rest1")
	beta2, rest2 := k.scalar("beta2"), k.scalar("rest2")
	keep, back, root, eps := k.scalar("keep"), k.scalar("rate"), k.scalar("root"), k.scalar("eps")
	k.fneg(back, back)
	k.each(n, func(bool) {
		d, first, second := k.loadNext(grad), k.load(m), k.load(v)
		k.fmul(d, d, gradScale)
		k.fmul(first, first, beta1)
		k.fmla(first, d, rest1)
		k.storeNext(first, m)
		k.fmul(d, d, d)
		k.fmul(second, second, beta2)
		k.fmla(second, d, rest2)
		k.storeNext(second, v)
		divisor := d
		k.fsqrt(second, second)
		k.move(divisor, eps)
		k.fmla(divisor, second, root)
		k.fmul(first, first, back)
		k.fdiv(first, first, divisor)
		k.fmla(first, k.load(p), keep)
		k.storeNext(first, p)
	})
	return k
}
