package model_test

import (
	"dmtrain/internal/batch"
	"dmtrain/internal/mask"
	"dmtrain/internal/model"
	"dmtrain/internal/rng"
)

// causalPlan is random tokens under the causal mask, each hidden at the given rate.
func causalPlan(b, n, vocab int, rate float32) (*batch.Batch, *mask.Plan) {
	p := &mask.Plan{B: b, T: n, Mask: mask.Mask{Rows: b, T: n, S: n}}
	rows := batch.New(b, n)
	for i := range rows.IDs {
		rows.IDs[i] = int32(rng.Below(1, rng.Probe, 0, 0, uint32(i), vocab))
	}
	for i := range rows.IDs {
		at, next := int32(i%n), int32(-1)
		if i%n < n-1 {
			next = rows.IDs[i+1]
			p.Supervised++
		}
		p.Targets = append(p.Targets, next)
		p.Rate = append(p.Rate, rate)
		p.Mask.Pos = append(p.Mask.Pos, at)
		p.Mask.Lo = append(p.Mask.Lo, 0)
		p.Mask.Hi = append(p.Mask.Hi, at)
	}
	return rows, p
}

// addSource gives a batch and its plan sources of the given lengths, of which each target token sees the positions up
// to a limit.
func addSource(rows *batch.Batch, p *mask.Plan, s int, lens, limit []int32, causal bool) {
	source := batch.Stream{T: s, IDs: make([]int32, rows.B*s)}
	plan := mask.SourcePlan{
		Self:  mask.NewMask(rows.B, s, s),
		Cross: mask.NewMask(rows.B, rows.T, s),
		Rate:  make([]float32, rows.B*s),
	}
	for n := range source.IDs {
		at := int32(n % s)
		plan.Cross.Pos[n] = at
		switch {
		case at >= lens[n/s]:
			plan.Cross.Pos[n], plan.Self.Pos[n], plan.Self.Hi[n] = mask.Inf, mask.Inf, -1
		case causal:
			plan.Self.Pos[n], plan.Self.Hi[n] = at, at
		}
	}
	copy(plan.Cross.Hi, limit)
	rows.Sources, p.Sources = []batch.Stream{source}, []mask.SourcePlan{plan}
}

// pairs are random sources of different lengths and random targets under the causal mask, which see their whole source.
type pairs struct {
	b, s, t int
	lens    []int32
	batch   *batch.Batch
	plan    *mask.Plan
}

func randomPairs(b, s, t int, c model.Config, rate float32) *pairs {
	p := &pairs{b: b, s: s, t: t}
	p.batch, p.plan = causalPlan(b, t, c.Vocab, rate)
	for row := range b {
		p.lens = append(p.lens, int32(1+(s-1)*(row+1)/b)) // the last row is full
	}
	limit := make([]int32, b*t)
	for i := range limit {
		limit[i] = int32(s - 1)
	}
	addSource(p.batch, p.plan, s, p.lens, limit, c.CausalEncoder)
	for i := range p.source().IDs {
		p.source().IDs[i] = int32(rng.Below(2, rng.Probe, 0, 1, uint32(i), c.Vocab))
	}
	return p
}

func (p *pairs) source() *batch.Stream { return &p.batch.Sources[0] }
func (p *pairs) rate() []float32       { return p.plan.Sources[0].Rate }
func (p *pairs) limit() []int32        { return p.plan.Sources[0].Cross.Hi }
