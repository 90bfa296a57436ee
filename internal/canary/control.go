package canary

import (
	"math"
	"math/rand/v2"

	"dmtrain/internal/mask"
	"dmtrain/internal/task"
)

// tellRate is the share of predictions of which the positive control tells something. Slots take long to learn what
// they see, so it takes more to notice a leak in them.
func tellRate(kind string) float64 {
	if kind == kindSlot {
		return 1
	}
	return 0.25
}

// tell is the positive control: a leak as none of the other proofs can see. Of a share of all predictions, chosen
// by chance, the output sees nothing at all if its answer is an even letter. That only takes visibility away; but
// which outputs see nothing is computed from answers.
func tell() *leak {
	even, all := map[string]int{}, map[string]int{}
	return &leak{planned: func(t *trial, b *task.Batch) {
		for row := range b.Rows.B {
			r := rand.New(rand.NewPCG(t.config.Run.Seed, uint64(b.Step)<<32|uint64(b.Plan.First+row)))
			t.oracle.row(b, row, func(p *prediction) {
				kind := p.kind()
				all[kind]++
				told := r.Float64() < tellRate(kind)
				if p.answer == none || p.answer%2 != 0 {
					return
				}
				even[kind]++
				if told {
					b.Plan.Mask.Lo[p.n], b.Plan.Mask.Hi[p.n] = mask.Inf, -1
				}
			})
		}
		for kind, n := range all {
			t.told[kind] = information(float64(even[kind])/float64(n), tellRate(kind))
		}
	}}
}

// information is what is told, in nats a prediction, where a share of the answers is even and those tell of
// themselves at a rate.
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
