package mask

import "math"

// What the target sees of the source.
const (
	CrossFull  = "full"   // all of it
	CrossWaitK = "wait_k" // k words before the first target word, and one more with each (Ma et al. 2019)
)

// Sees sets the last source position that each target position of rows sees, for sources of the given lengths, whose end is their
// last position. Under wait_k k = wait_k + round(u·wait_more), with the openness u of the state; without buckets, as in
// evaluation and decoding, u is 0. (wait_more is a constant: a k that grew with the source would tell by the tokens read how many there
// are to come.) Bounds never fall along a row, and a slot has that of the position before it, which would
// otherwise predict its token.
func (p *Planner) Sees(dst []int32, plan *Plan, lens []int32, s State) {
	for b := range plan.B {
		most := int32(0)
		for t := range plan.T {
			n := b*plan.T + t
			sees := lens[b] - 1
			if p.cfg.Cross == CrossWaitK {
				sees = min(sees, p.waitFor(t, s)-1)
			}
			most = max(most, sees)
			dst[n] = min(most, lens[b]-1)
			if t > 0 && plan.Hidden[n] != 0 && plan.Mask.Pos[n] == Inf {
				dst[n] = dst[n-1]
			}
		}
	}
}

// waitFor is how many source positions are read before the output at t.
func (p *Planner) waitFor(t int, s State) int32 {
	k := float64(p.cfg.WaitK)
	if len(s.Buckets) > 0 && (p.cfg.Form != FormNone || p.cfg.Control != ControlFixed) {
		k += math.Round(p.openness(s.Buckets, t) * float64(p.cfg.WaitMore))
	}
	return int32(min(k+float64(t), most))
}

// ProbeSource is ProbeAt for the source: it changes the tokens at some positions of sources, s a row, and wants the logits of all outputs
// that have not waited for them, by sees, to keep every bit; those of slots with look-ahead aside.
func (p *Plan) ProbeSource(sources []int32, s, vocab int, positions []int, sees []int32, logits Logits) ([]*Leak, error) {
	base, changed := make([]float32, len(sees)*vocab), make([]float32, len(sees)*vocab)
	if err := logits(base, sources); err != nil {
		return nil, err
	}
	var leaks []*Leak
	sources = append([]int32(nil), sources...)
	for _, j := range positions {
		turn(sources, j, s, vocab, 1)
		if err := logits(changed, sources); err != nil {
			return nil, err
		}
		turn(sources, j, s, vocab, vocab-1)
		leaks = append(leaks, p.movedBySource(sees, j, base, changed)...)
	}
	return leaks, nil
}

// movedBySource lists the outputs, those of slots aside, that have not waited for source token j and whose logits (B, T, V) changed with
// it in every row.
func (p *Plan) movedBySource(sees []int32, j int, base, changed []float32) []*Leak {
	var leaks []*Leak
	v := len(base) / len(sees)
	for n, seen := range sees {
		if p.Targets[n] < 0 || int(seen) >= j || p.Hidden[n] != 0 && p.Mask.Pos[n] == Inf {
			continue
		}
		if !sameBits(base[n*v:(n+1)*v], changed[n*v:(n+1)*v]) {
			leaks = append(leaks, &Leak{By: BySource, Step: p.Step, Row: p.First + n/p.T, Position: n % p.T, Answer: j})
		}
	}
	return leaks
}

// CertifyCross proves that no output but a slot's depends on source positions past those it sees, under a causal encoder: whatever
// it can see of the target, at any depth, sees no more of the source. The error is a [*Leak].
func (p *Plan) CertifyCross(sees []int32) error {
	for b := range p.B {
		pos := p.Mask.Pos[b*p.T : (b+1)*p.T]
		for i := range p.T {
			n := b*p.T + i
			if pos[i] == Inf && (p.Targets[n] < 0 || p.Hidden[n] != 0) {
				continue // padding, or a slot: no one attends to it
			}
			for j := range p.T {
				if pos[j] != Inf && pos[j] >= p.Mask.Lo[n] && pos[j] <= p.Mask.Hi[n] && sees[b*p.T+j] > sees[n] {
					return &Leak{By: ByCross, Step: p.Step, Row: p.First + b, Position: i, Answer: int(sees[b*p.T+j]), Path: []int{i, j}}
				}
			}
		}
	}
	return nil
}
