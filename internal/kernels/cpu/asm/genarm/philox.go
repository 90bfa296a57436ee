//go:build generate

package main

// Philox4x32-10, a block in every lane; see package rng, whose bits these are.
const (
	philoxMulA, philoxMulB   = 0xD2511F53, 0xCD9E8D57
	philoxWeylA, philoxWeylB = 0x9E3779B9, 0xBB67AE85
	philoxRounds             = 10
)

// drawParams are the parameters of every function that draws.
const drawParams = "seedLow uint32, seedHigh uint32, purpose uint32, step uint32, line uint32"

// philox is what draws have in common, set up before a loop.
type philox struct {
	mul, weyl, seed [2]vec
	step, purpose   vec
	rate, keep      vec
}

func (k *kernel) philox() *philox {
	return &philox{
		mul:  [2]vec{k.words(philoxMulA), k.words(philoxMulB)},
		weyl: [2]vec{k.words(philoxWeylA), k.words(philoxWeylB)},
		seed: [2]vec{k.scalar("seedLow"), k.scalar("seedHigh")},
		step: k.scalar("step"), purpose: k.scalar("purpose"),
		rate: k.scalar("rate"), keep: k.scalar("keep"),
	}
}

// block is the block of the counter (quads, lines, step, purpose). Its registers are the caller's scope's.
func (k *kernel) block(p *philox, quads, lines vec) [4]vec {
	c := [4]vec{k.vec(), k.vec(), k.vec(), k.vec()}
	for i, from := range []vec{quads, lines, p.step, p.purpose} {
		k.move(c[i], from)
	}
	k.scope(func() {
		key := [2]vec{k.single(), k.single()}
		high, t := [2]vec{k.single(), k.single()}, k.registers(2)
		for i := range key {
			k.move(key[i], p.seed[i])
		}
		for round := range philoxRounds {
			if round > 0 {
				for i := range key {
					k.addWords(key[i], key[i], p.weyl[i])
				}
			}
			// The products' low words replace what was multiplied: word 0 becomes the new word 3, and word 2 the new
			// word 1.
			for i := range c[0] {
				c := [4]vec{c[0][i : i+1], c[1][i : i+1], c[2][i : i+1], c[3][i : i+1]}
				k.multiplyWide(high[0], c[0], p.mul[0], t)
				k.multiplyWide(high[1], c[2], p.mul[1], t)
				k.xor(c[1], c[1], high[1])
				k.xor(c[1], c[1], key[0])
				k.xor(c[3], c[3], high[0])
				k.xor(c[3], c[3], key[1])
			}
			c = [4]vec{c[1], c[2], c[3], c[0]}
		}
	})
	return c
}

// factor turns a draw into what dropping multiplies by: 0 where unit(draw) < rate, and keep elsewhere.
func (k *kernel) factor(to, draw vec, p *philox) {
	k.shiftRight(draw, draw, 8)
	k.toFloatOver(draw, draw, 24)
	k.notLess(draw, draw, p.rate)
	k.and(to, draw, p.keep)
}

// count is first, first + 1, … in the lanes of a vector.
func (k *kernel) count(first uint32) vec {
	v := k.vec()
	for i, r := range v {
		at := first + uint32(quad*i)
		k.fill(r, [quad]uint32{at, at + 1, at + 2, at + 3})
	}
	return v
}

// dropFactors draws along a line: a lane is a quad of columns, and the store deals their words out.
func dropFactors() *kernel {
	const columns = quad * lanes
	k := newKernel("DropFactors", "f []float32, rate float32, keep float32, "+drawParams,
		"sets f[c] to 0 where unit(draw of column c) < rate, and to keep elsewhere.",
		"The length of f is a multiple of 32.")
	words := k.registers(4) // registers in a row, as the store needs them
	p, line, quads, next := k.philox(), k.scalar("line"), k.count(0), k.words(lanes)
	f := k.pointer("f")
	k.eachBlock(k.length("f"), columns, func() {
		drawn := k.block(p, quads, line)
		for i := range pair {
			for w, word := range drawn {
				k.factor(words[w:w+1], word[i:i+1], p)
			}
			k.ins("VST4.P [V%d.S4, V%d.S4, V%d.S4, V%d.S4], 64(%s)", words[0], words[1], words[2], words[3], f)
		}
		k.addWords(quads, quads, next)
	})
	return k
}

// edgeFactors draws for a tile: a lane is a query, that is a line, and a word of its block one of four keys.
func edgeFactors() *kernel {
	k := newKernel("EdgeFactors", "f []float32, quads int, queries int, rate float32, keep float32, quad uint32, "+drawParams,
		"sets f[j·64+i], j < 4·quads, to 0 where unit(draw of line + i, column 4·quad + j) < rate, and to keep elsewhere.")
	p, lines, one, more := k.philox(), k.count(0), k.words(1), k.words(lanes)
	k.addWords(lines, lines, k.scalar("line"))
	k.eachGroup(func(at gp) {
		row, column := k.column("f", at), k.scalar("quad")
		k.times(k.number("quads"), func() {
			for _, word := range k.block(p, column, lines) {
				k.factor(word, word, p)
				k.storeRow(word, row)
			}
			k.addWords(column, column, one)
		})
		k.addWords(lines, lines, more)
	})
	return k
}
