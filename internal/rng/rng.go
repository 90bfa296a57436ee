// Package rng is the project's only source of randomness: Philox4x32-10, a counter-based generator
// (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3", SC 2011).
//
// A draw is a function of (seed, purpose, step, line, column) and of nothing else. There is no hidden
// state: the same bits come out on a CPU and on a GPU, for any split into micro-batches, in any
// order, and after any resume.
//
//	key     = seed (low word, high word)
//	counter = (column/4, line, step, purpose);  the draw is word column mod 4 of the block
//
// "Line" is whatever the purpose runs its columns over: a batch row for tokens, row·T+position for
// activations and attention edges.
package rng

import "math"

// Purpose keeps streams apart that share seed and step. The low byte says what is drawn; layers and
// heads are mixed in with At.
type Purpose uint32

// The purposes. Their numbers are part of the checkpoint format: never renumber.
const (
	Hide    Purpose = 1 + iota // tokens hidden by a Bernoulli draw: line = batch row, column = position
	Window                     // look-ahead of a slot: line = batch row, column = position
	Edge                       // attention edges dropped: line = row·T + query, column = key
	Dropout                    // activations dropped: line = row·T + position, column = channel
	Rows                       // which text a batch row holds: line = batch row
	Init                       // initial parameters: line = parameter, column = element
	Sample                     // decoding: line = sequence, step = position
	Corpus                     // built-in synthetic corpora
	Probe                      // random tokens and weights of checks and benchmarks
)

// At is p for one layer and head (layer < 4096, head < 4096).
func (p Purpose) At(layer, head int) Purpose {
	return p | Purpose(layer)<<8 | Purpose(head)<<20
}

// Block is one Philox4x32-10 block: four draws, for columns 4·quad … 4·quad+3.
func Block(seed uint64, p Purpose, step, line, quad uint32) [4]uint32 {
	return philox([4]uint32{quad, line, step, uint32(p)}, [2]uint32{uint32(seed), uint32(seed >> 32)})
}

// Uint32 is a single draw.
func Uint32(seed uint64, p Purpose, step, line, column uint32) uint32 {
	return Block(seed, p, step, line, column/4)[column%4]
}

// Uniform is a single draw in [0, 1), a multiple of 2⁻²⁴ and therefore exact in float32.
func Uniform(seed uint64, p Purpose, step, line, column uint32) float32 {
	return Unit(Uint32(seed, p, step, line, column))
}

// Unit maps a draw to [0, 1): its upper 24 bits over 2²⁴. "Unit(u) < rate" is the project's Bernoulli
// test; it is exact, so every backend decides alike. Rate 0 never hits and rate 1 always does.
func Unit(u uint32) float32 { return float32(u>>8) * 0x1p-24 }

// Below is a draw from 0 … n−1 by the multiply-shift rule, its bias below n/2³².
func Below(seed uint64, p Purpose, step, line, column uint32, n int) int {
	return int(uint64(Uint32(seed, p, step, line, column)) * uint64(n) >> 32)
}

// Normal is a standard normal draw (Box–Muller over a pair of columns), computed in float64.
func Normal(seed uint64, p Purpose, step, line, column uint32) float64 {
	b := Block(seed, p, step, line, column/4)
	pair := column % 4 &^ 1
	u1 := (float64(b[pair]) + 0.5) * 0x1p-32
	u2 := (float64(b[pair+1]) + 0.5) * 0x1p-32
	r := math.Sqrt(-2 * math.Log(u1))
	sin, cos := math.Sincos(2 * math.Pi * u2)
	if column%2 == 0 {
		return r * cos
	}
	return r * sin
}

const (
	mulA, mulB   = 0xD2511F53, 0xCD9E8D57
	weylA, weylB = 0x9E3779B9, 0xBB67AE85
)

func philox(c [4]uint32, k [2]uint32) [4]uint32 {
	for range 10 {
		a, b := uint64(mulA)*uint64(c[0]), uint64(mulB)*uint64(c[2])
		c = [4]uint32{uint32(b>>32) ^ c[1] ^ k[0], uint32(b), uint32(a>>32) ^ c[3] ^ k[1], uint32(a)}
		k[0] += weylA
		k[1] += weylB
	}
	return c
}
