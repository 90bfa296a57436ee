//go:build generate

package main

import (
	"math"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// tileQ is the row length of an attention tile: queries side by side.
const tileQ = 64

const tileRow = 4 * tileQ

// eachGroup generates a loop over the parameter queries, a vector of them at a time; at is the vector's offset in bytes. Rows have
// tileQ elements, so the last vector may be read and written whole.
func (g *generator) eachGroup(body func(at reg.GPVirtual)) {
	at, end := g.GP64(), g.number("queries")
	g.SHLQ(operand.U8(2), end)
	g.XORQ(at, at)
	head, done := g.label("group"), g.label("groupsDone")
	g.Label(head)
	g.CMPQ(at, end)
	g.JGE(jump(done))
	body(at)
	g.ADDQ(operand.U8(uint8(g.bytes())), at)
	g.JMP(jump(head))
	g.Label(done)
}

// column points at row 0 of a tile at the group's offset.
func (g *generator) column(param string, at reg.GPVirtual) reg.GPVirtual {
	p := g.pointer(param)
	g.ADDQ(at, p)
	return p
}

func (g *generator) nextRow(p reg.GPVirtual) { g.ADDQ(operand.I32(tileRow), p) }

func (g *generator) softmaxStep() {
	g.function("SoftmaxStep", "func(scores []float32, keys int, queries int, max []float32, sum []float32, shrink []float32)",
		"takes a tile of scores, keys × 64 queries, into a running softmax, column by column: it raises max, sets",
		"shrink = exp(old max − max), scores = exp(scores − max) and sum = sum·shrink + Σ scores. A column of −∞ changes nothing.")
	g.prepareExp()
	g.eachGroup(func(at reg.GPVirtual) {
		maxAt, sumAt, shrinkAt := g.column("max", at), g.column("sum", at), g.column("shrink", at)
		top, shrink := g.vec(), g.vec()
		g.load(here(maxAt), top)
		g.load(here(maxAt), shrink)
		row := g.column("scores", at)
		g.times(g.number("keys"), func() {
			g.VMAXPS(here(row), top, top) // should a NaN get lost here, the sum below has it
			g.nextRow(row)
		})
		g.store(top, here(maxAt))
		g.orZero(top)
		g.VSUBPS(top, shrink, shrink)
		g.exp(shrink)
		g.store(shrink, here(shrinkAt))
		sum := g.vec()
		g.load(here(sumAt), sum)
		g.VMULPS(shrink, sum, sum)
		fresh := g.vec()
		g.zero(fresh)
		row = g.column("scores", at)
		g.times(g.number("keys"), func() {
			p := g.vec()
			g.load(here(row), p)
			g.VSUBPS(top, p, p)
			g.exp(p)
			g.store(p, here(row))
			g.VADDPS(p, fresh, fresh)
			g.nextRow(row)
		})
		g.VADDPS(fresh, sum, sum)
		g.store(sum, here(sumAt))
	})
	g.end()
}

// orZero turns −∞ into 0, so that −∞ − v stays −∞ and never becomes NaN.
func (g *generator) orZero(v reg.VecVirtual) {
	g.keepLanes(g.notEqual(g.inRegister(float32(math.Inf(-1))), v), v)
}

func (g *generator) hideScores() {
	g.function("HideScores", "func(scores []float32, queries int, low []int32, high []int32, from []int32, to []int32)",
		"sets scores[j·64+i] to −∞ where [low[j], high[j]] and [from[i], to[i]] do not meet, for keys j of low.",
		"From and to have 64 elements.")
	lowest := g.inRegister(float32(math.Inf(-1)))
	g.eachGroup(func(at reg.GPVirtual) {
		from, to := g.vec(), g.vec()
		g.load(here(g.column("from", at)), from)
		g.load(here(g.column("to", at)), to)
		row, low, high := g.column("scores", at), g.pointer("low"), g.pointer("high")
		g.times(g.length("low"), func() {
			first, last := g.vec(), g.vec()
			g.VPBROADCASTD(here(low), first)
			g.VPBROADCASTD(here(high), last)
			g.storeWhereGreater(lowest, here(row), [2]reg.VecVirtual{from, last}, [2]reg.VecVirtual{first, to})
			g.ADDQ(operand.U8(4), low)
			g.ADDQ(operand.U8(4), high)
			g.nextRow(row)
		})
	})
	g.end()
}

// storeWhereGreater stores v in the lanes where the first integer of one of the pairs is the greater.
func (g *generator) storeWhereGreater(v reg.Register, m operand.Mem, p, q [2]reg.VecVirtual) {
	if g.wide() {
		k, l := g.K(), g.K()
		g.VPCMPGTD(p[1], p[0], k)
		g.VPCMPGTD(q[1], q[0], l)
		g.KORW(l, k, k)
		g.VMOVUPS(v, k, m)
		return
	}
	k, l := g.vec(), g.vec()
	g.VPCMPGTD(p[1], p[0], k)
	g.VPCMPGTD(q[1], q[0], l)
	g.VPOR(l, k, k)
	g.VMASKMOVPS(v, k, m)
}

func (g *generator) scoreGradients() {
	g.function("ScoreGradients", "func(p []float32, ds []float32, keys int, queries int, lse []float32, delta []float32, scale float32)",
		"turns scores p into exp(p − lse), and gradients ds of these into those of the scores, p·(ds − delta)·scale; both are 0 where",
		"the score is −∞, whatever ds is. Tiles are keys × 64.")
	g.prepareExp()
	scale := g.scalar("scale")
	lowest := g.inRegister(float32(math.Inf(-1)))
	g.eachGroup(func(at reg.GPVirtual) {
		lse, delta := g.vec(), g.vec()
		g.load(here(g.column("lse", at)), lse)
		g.load(here(g.column("delta", at)), delta)
		p, ds := g.column("p", at), g.column("ds", at)
		g.times(g.number("keys"), func() {
			s, d := g.vec(), g.vec()
			g.load(here(p), s)
			g.load(here(ds), d)
			visible := g.notEqual(lowest, s)
			g.VSUBPS(lse, s, s)
			g.exp(s)
			g.store(s, here(p))
			g.VSUBPS(delta, d, d)
			g.VMULPS(s, d, d)
			g.VMULPS(scale, d, d)
			g.keepLanes(visible, d)
			g.store(d, here(ds))
			g.nextRow(p)
			g.nextRow(ds)
		})
	})
	g.end()
}
