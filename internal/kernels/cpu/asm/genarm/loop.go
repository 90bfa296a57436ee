//go:build generate

package main

// each writes a loop over arrays of n elements: vectors first, then the rest one by one. Body works at the arrays'
// current places and moves past what it used; n is used up.
func (k *kernel) each(n gp, body func(rest bool)) {
	full, few, one, done := k.label("vectors"), k.label("few"), k.label("rest"), k.label("end")
	width := k.width
	k.ins("SUBS $%d, %s, %s", lanes, n, n)
	k.ins("BLT %s", few)
	k.place(full)
	k.width = pair
	k.scope(func() { body(false) })
	k.ins("SUBS $%d, %s, %s", lanes, n, n)
	k.ins("BGE %s", full)
	k.place(few)
	k.ins("ADDS $%d, %s, %s", lanes, n, n)
	k.ins("BEQ %s", done)
	k.place(one)
	k.width = 1
	k.scope(func() { body(true) })
	k.ins("SUBS $1, %s, %s", n, n)
	k.ins("BNE %s", one)
	k.place(done)
	k.width = width
}

// times writes a loop that runs count times; count is used up. It may be 0.
func (k *kernel) times(count gp, body func()) {
	head, done := k.label("times"), k.label("done")
	k.ins("CBZ %s, %s", count, done)
	k.place(head)
	k.scope(body)
	k.ins("SUBS $1, %s, %s", count, count)
	k.ins("BNE %s", head)
	k.place(done)
}

// eachBlock writes a loop that takes size of count at a time, while there are so many; what is left stays in count.
func (k *kernel) eachBlock(count gp, size int, body func()) {
	head, done := k.label("block"), k.label("fewer")
	k.ins("SUBS $%d, %s, %s", size, count, count)
	k.ins("BLT %s", done)
	k.place(head)
	k.scope(body)
	k.ins("SUBS $%d, %s, %s", size, count, count)
	k.ins("BGE %s", head)
	k.place(done)
	k.ins("ADD $%d, %s, %s", size, count, count)
}

// unlessNil runs body if p is not 0.
func (k *kernel) unlessNil(p gp, body func()) {
	none := k.label("none")
	k.ins("CBZ %s, %s", p, none)
	k.scope(body)
	k.place(none)
}

// fold adds the lanes of v, those of a pair's registers first, and leaves the sum in all lanes of its first register.
func (k *kernel) fold(v vec) vec {
	sum := v[:1]
	if len(v) == pair {
		k.fadd(sum, sum, v[1:])
	}
	k.faddPairs(sum, sum, sum)
	k.faddPairs(sum, sum, sum)
	return sum
}
