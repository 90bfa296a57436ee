package mask

import (
	"errors"
	"math"
)

// Logits computes the logits (B, T, V) of tokens (B, T) under a plan, the plan the probe was asked about. The same tokens must give the
// same bits.
type Logits func(dst []float32, ids []int32) error

// Probe asks a real model instead of the theory: it changes the token at each position of every row in turn, and wants the
// logits of all that must predict it to keep every bit. It runs T+1 forward passes. A leak without a path means
// that the model does not keep to the mask.
func (p *Plan) Probe(ids []int32, vocab int, logits Logits) ([]*Leak, error) {
	all := make([]int, p.T)
	for t := range all {
		all[t] = t
	}
	return p.ProbeAt(ids, vocab, all, logits)
}

// ProbeAt is Probe for the tokens at some positions only, where a pass for each position would take too long.
func (p *Plan) ProbeAt(ids []int32, vocab int, positions []int, logits Logits) ([]*Leak, error) {
	if vocab < 2 {
		return nil, errors.New("a vocabulary of one token cannot be probed: no token can be changed")
	}
	base := make([]float32, p.B*p.T*vocab)
	if err := logits(base, ids); err != nil {
		return nil, err
	}
	var leaks []*Leak
	changed, ids := make([]float32, len(base)), append([]int32(nil), ids...)
	for _, t := range positions {
		if !p.asked(t) {
			continue
		}
		turn(ids, t, p.T, vocab, 1)
		if err := logits(changed, ids); err != nil {
			return nil, err
		}
		turn(ids, t, p.T, vocab, vocab-1)
		leaks = append(leaks, p.moved(base, changed, t, vocab)...)
	}
	return leaks, nil
}

// asked says whether anyone must predict the token at t of some row.
func (p *Plan) asked(t int) bool {
	for n, answer := range p.Answer {
		if int(answer) == t && p.Targets[n] >= 0 {
			return true
		}
	}
	return false
}

// turn moves the token at t of every row of so many by some places through the vocabulary.
func turn(ids []int32, t, tokens, vocab, by int) {
	for n := t; n < len(ids); n += tokens {
		ids[n] = int32((int(ids[n]) + by) % vocab)
	}
}

// moved lists the positions that must predict the token at t and whose logits changed with it.
func (p *Plan) moved(base, changed []float32, t, vocab int) []*Leak {
	var leaks []*Leak
	for n, answer := range p.Answer {
		if int(answer) == t && !sameBits(base[n*vocab:(n+1)*vocab], changed[n*vocab:(n+1)*vocab]) {
			leaks = append(leaks, p.leak(ByProbe, n/p.T, n%p.T))
		}
	}
	return leaks
}

func sameBits(a, b []float32) bool {
	for i := range a {
		if math.Float32bits(a[i]) != math.Float32bits(b[i]) {
			return false
		}
	}
	return true
}
