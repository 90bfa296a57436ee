//go:build generate

package main

import "math"

// tileRow is the length of an attention tile's row: 64 queries side by side.
const tileRow = 4 * 64

// eachGroup writes a loop over the parameter queries, a vector of them at a time; at is the vector's offset in bytes.
// Rows have 64 elements, so the last vector may be read and written whole.
func (k *kernel) eachGroup(body func(at gp)) {
	at, end := k.reg(), k.stride("queries")
	head, done := k.label("group"), k.label("groupsDone")
	k.ins("MOVD $0, %s", at)
	k.place(head)
	k.ins("CMP %s, %s", end, at)
	k.ins("BGE %s", done)
	k.scope(func() { body(at) })
	k.ins("ADD $%d, %s, %s", vecBytes, at, at)
	k.ins("B %s", head)
	k.place(done)
}

// column points at row 0 of a tile at the group's offset.
func (k *kernel) column(name string, at gp) gp {
	p := k.pointer(name)
	k.ins("ADD %s, %s, %s", at, p, p)
	return p
}

// loadRow loads the vector at p and moves p to the tile's next row, and storeRow stores it.
func (k *kernel) loadRow(p gp) vec { return k.loadStep(p, ".P", tileRow, 0) }

func (k *kernel) storeRow(v vec, p gp) { k.storeStep(v, p, ".P", tileRow, 0) }

func infinity(sign int) float32 { return float32(math.Inf(sign)) }

func softmaxStep() *kernel {
	k := newKernel("SoftmaxStep", "scores []float32, keys int, queries int, max []float32, sum []float32, shrink []float32",
		"takes a tile of scores, keys × 64 queries, into a running softmax, column by column: it raises max, sets",
		"shrink = exp(old max − max), scores = exp(scores − max) and sum = sum·shrink + Σ scores. A column of −∞ changes nothing.")
	e, lowest := k.exponential(), k.constant(infinity(-1))
	k.eachGroup(func(at gp) {
		maxAt, sumAt, shrinkAt, row := k.column("max", at), k.column("sum", at), k.column("shrink", at), k.column("scores", at)
		top := k.load(maxAt)
		k.scope(func() {
			k.times(k.number("keys"), func() { k.fmax(top, top, k.loadRow(row)) })
		})
		fresh := k.vec()
		k.scope(func() {
			shrink, none := k.load(maxAt), k.vec()
			k.store(top, maxAt)
			// What scores are compared with is 0 where nothing is visible, so that −∞ − top stays −∞ and never
			// becomes NaN.
			k.equal(none, top, lowest)
			k.clear(top, top, none)
			k.fsub(shrink, shrink, top)
			k.exp(shrink, e)
			k.store(shrink, shrinkAt)
			sum := k.load(sumAt)
			k.fmul(sum, sum, shrink)
			k.store(sum, sumAt)
		})
		k.zero(fresh)
		row = k.column("scores", at)
		k.times(k.number("keys"), func() {
			p := k.load(row)
			k.fsub(p, p, top)
			k.exp(p, e)
			k.storeRow(p, row)
			k.fadd(fresh, fresh, p)
		})
		sum := k.load(sumAt)
		k.fadd(sum, sum, fresh)
		k.store(sum, sumAt)
	})
	return k
}

func hideScores() *kernel {
	k := newKernel("HideScores", "scores []float32, queries int, low []int32, high []int32, from []int32, to []int32",
		"sets scores[j·64+i] to −∞ where [low[j], high[j]] and [from[i], to[i]] do not meet, for keys j of low.",
		"From and to have 64 elements.")
	lowest := k.constant(infinity(-1))
	k.eachGroup(func(at gp) {
		from, to := k.load(k.column("from", at)), k.load(k.column("to", at))
		row, low, high := k.column("scores", at), k.pointer("low"), k.pointer("high")
		k.times(k.length("low"), func() {
			first, last, before := k.single(), k.single(), k.vec()
			k.ins("VLD1R.P 4(%s), [V%d.S4]", low, first[0])
			k.ins("VLD1R.P 4(%s), [V%d.S4]", high, last[0])
			after, v := k.vec(), k.load(row)
			k.wordGreater(before, from, last)
			k.wordGreater(after, first, to)
			k.or(before, before, after)
			k.insert(v, lowest, before)
			k.storeRow(v, row)
		})
	})
	return k
}

func scoreGradients() *kernel {
	k := newKernel("ScoreGradients", "p []float32, ds []float32, keys int, queries int, lse []float32, delta []float32, scale float32",
		"turns scores p into exp(p − lse), and gradients ds of these into those of the scores, p·(ds − delta)·scale; both are 0 where",
		"the score is −∞, whatever ds is. Tiles are keys × 64.")
	e, scale, lowest := k.exponential(), k.scalar("scale"), k.constant(infinity(-1))
	k.eachGroup(func(at gp) {
		lse, delta := k.load(k.column("lse", at)), k.load(k.column("delta", at))
		p, ds := k.column("p", at), k.column("ds", at)
		k.times(k.number("keys"), func() {
			s, hidden := k.load(p), k.vec()
			k.equal(hidden, s, lowest)
			k.fsub(s, s, lse)
			k.exp(s, e)
			k.storeRow(s, p)
			d := k.load(ds)
			k.fsub(d, d, delta)
			k.fmul(d, d, s)
			k.fmul(d, d, scale)
			k.clear(d, d, hidden)
			k.storeRow(d, ds)
		})
	})
	return k
}
