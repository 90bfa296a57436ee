package mask

import (
	"errors"
	"math"

	"dmtrain/internal/batch"
)

// Logits computes the logits (B, T, V) of tokens (B, T) under a plan, the plan the probe was asked about. The same
// tokens must give the same bits.
type Logits func(dst []float32, ids []int32) error

// Try computes anew whatever follows from a text whose token at position t of every row is changed, or in which
// nothing is, with t below 0: documents, first looks, the plan, and under it the logits (B, T, V).
type Try func(dst []float32, t int) (*Plan, error)

// Probe asks a real model instead of the theory: it changes the token at each position of every row in turn, and
// wants the logits of all that must predict it to keep every bit. It runs T+1 forward passes. A leak without a path
// means that the model does not keep to the mask.
func (p *Plan) Probe(ids []int32, vocab int, logits Logits) ([]*Leak, error) {
	all := make([]int, p.T)
	for t := range all {
		all[t] = t
	}
	changed := append([]int32(nil), ids...)
	return p.ProbeAt(vocab, all, func(dst []float32, t int) (*Plan, error) {
		if t < 0 {
			return p, logits(dst, ids)
		}
		turn(changed, t, p.T, vocab, 1)
		defer turn(changed, t, p.T, vocab, vocab-1)
		return p, logits(dst, changed)
	})
}

// ProbeAt is Probe for the tokens at some positions only, where a pass for each position would take too long, and
// for plans that are themselves made from text. Compared are outputs that must predict the same position before and
// after the change: a hidden letter that becomes the End of its document has nobody any more to predict it.
func (p *Plan) ProbeAt(vocab int, positions []int, try Try) ([]*Leak, error) {
	if vocab < 2 {
		return nil, errors.New("a vocabulary of one token cannot be probed: no token can be changed")
	}
	base := make([]float32, p.B*p.T*vocab)
	if _, err := try(base, -1); err != nil {
		return nil, err
	}
	var leaks []*Leak
	changed := make([]float32, len(base))
	for _, t := range positions {
		if !p.asked(t) {
			continue
		}
		now, err := try(changed, t)
		if err != nil {
			return nil, err
		}
		leaks = append(leaks, p.moved(now, base, changed, t, vocab)...)
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

// moved lists the positions that must predict the token at t, also under the plan now, and whose logits changed
// with it.
func (p *Plan) moved(now *Plan, base, changed []float32, t, vocab int) []*Leak {
	var leaks []*Leak
	for n, answer := range p.Answer {
		if int(answer) == t && int(now.Answer[n]) == t &&
			!sameBits(base[n*vocab:(n+1)*vocab], changed[n*vocab:(n+1)*vocab]) {
			leaks = append(leaks, p.leak(ByProbe, n/p.T, n%p.T))
		}
	}
	return leaks
}

// ProbeSource is ProbeAt for a source of the batch that p plans: it changes the token at each of some places of
// every row in turn, and wants the logits of all outputs that have not waited for it to keep every bit; those of
// slots with look-ahead aside.
func (p *Plan) ProbeSource(
	b *batch.Batch, source, vocab int, positions []int, logits func(dst []float32) error,
) ([]*Leak, error) {
	n := p.B * p.T * vocab
	base, changed := make([]float32, n), make([]float32, n)
	if err := logits(base); err != nil {
		return nil, err
	}
	sees := p.Sources[source].Cross.Hi
	s := &b.Sources[source]
	var leaks []*Leak
	for _, j := range positions {
		turn(s.IDs, j, s.T, vocab, 1)
		if err := logits(changed); err != nil {
			return nil, err
		}
		turn(s.IDs, j, s.T, vocab, vocab-1)
		leaks = append(leaks, p.movedBySource(sees, j, vocab, base, changed)...)
	}
	return leaks, nil
}

// movedBySource lists the outputs, those of slots aside, that have not waited for source token j and whose logits
// (B, T, V) changed with it in every row.
func (p *Plan) movedBySource(sees []int32, j, v int, base, changed []float32) []*Leak {
	var leaks []*Leak
	for n, seen := range sees {
		if p.Targets[n] < 0 || int(seen) >= j || p.Slot(n/p.T, n%p.T) {
			continue
		}
		if !sameBits(base[n*v:(n+1)*v], changed[n*v:(n+1)*v]) {
			leaks = append(leaks, &Leak{
				By:       BySource,
				Step:     p.Step,
				Row:      p.First + n/p.T,
				Position: n % p.T,
				Answer:   j,
			})
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
