package lm

import (
	"dmtrain/internal/batch"
	"dmtrain/internal/config"
	"dmtrain/internal/rng"
	"dmtrain/internal/task"
)

// Random are rows of uniformly random tokens, one document each.
func (Task) Random(c config.Config, vocab int) task.Rows {
	e := evenOf(c)
	return random{e, c.Run.Seed, vocab, make([]int32, e.shape.T+1)}
}

type random struct {
	even
	seed  uint64
	vocab int
	row   []int32 // room for a row, and the token beyond it
}

func (r random) Tokens() int { return r.shape.Rows * r.shape.T }

func (r random) Fill(b *batch.Batch, step int) {
	ids := r.row
	for row := range b.B {
		for t := range ids {
			ids[t] = int32(rng.Below(r.seed, rng.Probe, uint32(step), uint32(b.First+row), uint32(t), r.vocab))
		}
		b.Document(row, ids) // the last is beyond the row, and predicted
	}
}
