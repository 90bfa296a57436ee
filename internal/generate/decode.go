package generate

import (
	"context"
	"fmt"
	"math"
)

// Options say how a text is decoded.
type Options struct {
	Sampling
	LengthPenalty float64 // α of Wu et al. 2016: a log-probability is divided by ((5 + length)/6)^α
	MaxTokens     int     // decoded at most
	Sequence      int     // number of the text: draws of different numbers are independent
	End           int32   // the token that ends a text; −1: none does
	Banned        []int32 // never come
	Blocks        *Blocks // nil: one token after the other
}

// Hypothesis is a decoded text, without what it began with and its End.
type Hypothesis struct {
	IDs   []int32
	Score float64 // log-probability, after the length penalty
}

// penalised is the score of n tokens.
func (o *Options) penalised(sum float64, n int) float64 {
	return sum / math.Pow((5+float64(n))/6, o.LengthPenalty)
}

// Rounds is what decoding took.
type Rounds struct {
	Passes int // of the model, the prompt's aside
	Tokens int
}

// PerToken is passes for each token; 0 without tokens.
func (r Rounds) PerToken() float64 {
	if r.Tokens == 0 {
		return 0
	}
	return float64(r.Passes) / float64(r.Tokens)
}

// Blocks say how texts are decoded in parallel.
type Blocks struct {
	Size int // slots predicted at once
	Acceptance
}

// check tells when blocks do not fit twice into a model's context, as they must with the block before.
func (b *Blocks) check(context int) error {
	if b != nil && (b.Size < 1 || b.Size > context/2) {
		return fmt.Errorf("block: %d tokens is not within 1 … %d, half the model's context", b.Size, context/2)
	}
	return nil
}

// decoding is texts being decoded, a row or more for each.
type decoding interface {
	run(ctx context.Context, do steps) error
	best(i int) []Hypothesis // of the i-th text, the best first
}

// steps are what is done before a token is decoded, or a block, and after it. Each may be nil.
type steps struct {
	before func(at int) // of one token after the other only
	after  func(t *text, ids []int32) error
}

func (do steps) hear(t *text, ids []int32) error {
	if do.after == nil {
		return nil
	}
	return do.after(t, ids)
}

// decoding decodes a text for each source of the cache, as asked.
func (k *cache) decoding(o Options, texts []*text) decoding {
	if o.Blocks != nil {
		return newBlockTexts(k, o, texts)
	}
	return newSearch(k, o, texts)
}
