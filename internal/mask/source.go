package mask

import (
	"math"

	"dmtrain/internal/batch"
)

// What predicted positions see of a source.
const (
	CrossFull  = "full"   // all of it
	CrossWaitK = "wait_k" // k words before the first target word, and one more with each (Ma et al. 2019)
)

// SourceSeed is the seed of the draws that hide source tokens: those of the target's tokens have the same purpose,
// rows and columns, and must not be repeated.
func SourceSeed(seed uint64) uint64 { return ^seed }

// source plans row b of a source. It is planned after the predicted stream, whose slots see what the position
// before them sees.
func (p *Planner) source(dst *Plan, plan *SourcePlan, s *batch.Stream, b int, o opening) {
	length := s.Len(b)
	p.sourceSelf(plan, b, length)
	p.sourceRates(dst, plan, b, length, o)
	from, to := b*s.T, (b+1)*s.T
	p.draw(SourceSeed(p.seed), dst, b, plan.Rate[from:to], plan.Hidden[from:to])
	p.cross(dst, plan, b, int32(length), o)
}

// sourceSelf sets how a source sees itself: wholly, or up to each position where the encoder is causal. Padding
// sees nothing and is seen by no one.
func (p *Planner) sourceSelf(plan *SourcePlan, b, length int) {
	m := &plan.Self
	for j := range m.S {
		n := b*m.S + j
		plan.Cross.Pos[n] = int32(j)
		m.Lo[n] = 0
		switch {
		case j >= length:
			plan.Cross.Pos[n], m.Pos[n], m.Hi[n] = Inf, Inf, -1
		case p.run.CausalEncoder:
			m.Pos[n], m.Hi[n] = int32(j), int32(j)
		default:
			m.Pos[n], m.Hi[n] = 0, 0
		}
	}
}

// sourceRates sets the probability of hiding each token of a source: source_prob, but 0 for a source's end, its
// last token, for padding, and in rows that a dynamic form keeps as anchors. A token that is filled tells less, and
// who sees whom stays the same.
func (p *Planner) sourceRates(dst *Plan, plan *SourcePlan, b, length int, o opening) {
	s := plan.Self.S
	rate := plan.Rate[b*s : (b+1)*s]
	clear(rate)
	if o.form.hides && dst.Anchor[b] {
		return
	}
	for j := range length - 1 {
		rate[j] = float32(o.source)
	}
}

// cross sets the last source position that each predicted position sees. Under wait_k k = wait_k +
// round(u·wait_more), with the openness u of the state; without one, as in evaluation and decoding, u is 0.
// (wait_more is a constant: a k that grew with the source would tell by the tokens read how many there are to
// come.) Bounds never fall along a row, and a slot has that of the position before it, which would otherwise
// predict its token.
func (p *Planner) cross(dst *Plan, plan *SourcePlan, b int, length int32, o opening) {
	m, last := &plan.Cross, int32(-1)
	for t := range m.T {
		n := b*m.T + t
		sees := length - 1
		if p.cfg.Cross == CrossWaitK {
			sees = min(sees, p.waitFor(t, o.buckets)-1)
		}
		last = max(last, sees)
		m.Lo[n], m.Hi[n] = 0, last
		if t > 0 && dst.Slot(b, t) {
			m.Hi[n] = m.Hi[n-1]
		}
	}
}

// waitFor is how many source positions are read before the output at t.
func (p *Planner) waitFor(t int, buckets []Bucket) int32 {
	k := float64(p.cfg.WaitK)
	if len(buckets) > 0 && (p.form.hides || p.cfg.Control != ControlFixed) {
		k += math.Round(p.openness(buckets, t) * float64(p.cfg.WaitMore))
	}
	return int32(min(k+float64(t), most))
}
