package canary

import (
	"math"
	"math/rand/v2"

	"dmtrain/internal/mask"
	"dmtrain/internal/task"
)

// leakRate is the share of predictions that the positive control leaks. Slots learn slowly from what they see, so
// all of them leak.
func leakRate(kind string) float64 {
	if kind == kindSlot {
		return 1
	}
	return 0.25
}

// positiveControl is a leak that certificate, closure and probe miss. In a random share of all predictions the output
// sees nothing if its answer is an even letter: no output sees more than allowed, but which see less tells answers.
func positiveControl() *leak {
	even, all := map[string]int{}, map[string]int{}
	return &leak{planned: func(r *run, b *task.Batch) {
		for row := range b.Rows.B {
			draws := rand.New(rand.NewPCG(r.config.Run.Seed, uint64(b.Step)<<32|uint64(b.Plan.First+row)))
			r.oracle.row(b, row, func(p *prediction) {
				kind := p.kind()
				all[kind]++
				leaks := draws.Float64() < leakRate(kind)
				if p.answer == none || p.answer%2 != 0 {
					return
				}
				even[kind]++
				if leaks {
					b.Plan.Mask.Lo[p.n], b.Plan.Mask.Hi[p.n] = mask.Inf, -1
				}
			})
		}
		for kind, n := range all {
			r.revealed[kind] = information(float64(even[kind])/float64(n), leakRate(kind))
		}
	}}
}

// information is what the positive control reveals, in nats a prediction, if the given share of answers is even and
// those leak at the given rate.
func information(even, rate float64) float64 {
	silent := 1 - even*rate
	if silent == 0 {
		return entropy(even)
	}
	return entropy(even) - silent*entropy((even-even*rate)/silent)
}

func entropy(p float64) float64 {
	if p <= 0 || p >= 1 {
		return 0
	}
	return -p*math.Log(p) - (1-p)*math.Log(1-p)
}
