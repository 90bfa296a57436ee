package data

import (
	"math/bits"

	"dmtrain/internal/batch"
	"dmtrain/internal/rng"
)

// Loader draws the rows of training steps from a corpus.
type Loader struct {
	corpus *Corpus
	seed   uint64
}

// NewLoader draws from a corpus longer than the rows it is going to fill.
func NewLoader(c *Corpus, seed uint64) *Loader { return &Loader{corpus: c, seed: seed} }

// Fill lays out rows First … First+B−1 of a step. What a row holds is a function of the loader's seed and corpus,
// the step and the row's number, and of nothing else. Windows start uniformly at 0 … Len−T−1.
func (l *Loader) Fill(rows *batch.Batch, step int) {
	for r := range rows.B {
		l.corpus.fill(rows, r, l.corpus.lo+l.start(step, rows.First+r, rows.T))
	}
}

// start is where in the corpus a row's window of t tokens begins.
func (l *Loader) start(step, row, t int) int {
	starts := l.corpus.Len() - t
	if starts < 1 {
		panic("data: rows longer than the corpus")
	}
	// 64 bits: a corpus may have more starts than 32 bits can draw evenly.
	b := rng.Block(l.seed, rng.Rows, uint32(step), uint32(row), 0)
	at, _ := bits.Mul64(uint64(b[0])<<32|uint64(b[1]), uint64(starts))
	return int(at)
}

// Windows is how many rows of t tokens Window needs for all of the corpus.
func (c *Corpus) Windows(t int) int { return (c.Len() + t - 1) / t }

// Window lays out rows First … First+B−1 of the corpus cut into consecutive windows, so that over First = 0, B,
// 2B, … below Windows(T) each target stands in exactly one Next. Past the end of the stream is padding:
// id 0, and −1 in Next, Start and End.
func (c *Corpus) Window(rows *batch.Batch) {
	for r := range rows.B {
		c.fill(rows, r, min(c.lo+(rows.First+r)*rows.T, c.hi))
	}
}
