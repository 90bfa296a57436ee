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

// NewLoader makes a loader; the corpus must be longer than the rows to fill.
func NewLoader(c *Corpus, seed uint64) *Loader { return &Loader{corpus: c, seed: seed} }

// Fill fills rows First … First+B−1 of a step. A row is a function of seed, corpus, step and row number alone.
// Windows start uniformly at 0 … Len−T−1.
func (l *Loader) Fill(rows *batch.Batch, step int) {
	for r := range rows.B {
		l.corpus.fill(rows, r, l.corpus.lo+l.start(step, rows.First+r, rows.T))
	}
}

// start is the index in the corpus of the first token of a row's window of t tokens.
func (l *Loader) start(step, row, t int) int {
	starts := l.corpus.Len() - t
	if starts < 1 {
		panic("data: rows longer than the corpus")
	}
	// 32 bits can't draw evenly from the starts of a large corpus.
	b := rng.Block(l.seed, rng.Rows, uint32(step), uint32(row), 0)
	at, _ := bits.Mul64(uint64(b[0])<<32|uint64(b[1]), uint64(starts))
	return int(at)
}

// Windows is the number of rows of t tokens that cover the corpus.
func (c *Corpus) Windows(t int) int { return (c.Len() + t - 1) / t }

// Window fills rows First … First+B−1 of the corpus cut into consecutive windows, so that over First = 0, B, 2B, …
// below Windows(T) each target occurs in exactly one Next. After the end of the stream it pads with id 0, and −1 in
// Next, Start and End.
func (c *Corpus) Window(rows *batch.Batch) {
	for r := range rows.B {
		c.fill(rows, r, min(c.lo+(rows.First+r)*rows.T, c.hi))
	}
}
