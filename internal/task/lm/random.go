package lm

import (
	"dmtrain/internal/batch"
	"dmtrain/internal/config"
	"dmtrain/internal/rng"
	"dmtrain/internal/task"
)

// Random are rows of uniformly random tokens, one document each.
func (Task) Random(c config.Config, vocab int) task.Rows {
	shape := task.Shape{Rows: c.Train.BatchSize, T: c.Data.SeqLen}
	return random{shape, c.Run.Seed, vocab, make([]int32, shape.T+1)}
}

type random struct {
	shape task.Shape
	seed  uint64
	vocab int
	row   []int32 // room for a row, and the token beyond it
}

func (r random) Shapes() []task.Shape           { return []task.Shape{r.shape} }
func (r random) Tokens() int                    { return r.shape.Rows * r.shape.T }
func (r random) StepTokens() float64            { return float64(r.shape.Rows * r.shape.T) }
func (r random) Layout(int) (int, int, float64) { return 0, r.shape.Rows, 1 }

func (r random) Fill(b *batch.Batch, step int) {
	ids := r.row
	for row := range b.B {
		for t := range ids {
			ids[t] = int32(rng.Below(r.seed, rng.Probe, uint32(step), uint32(b.First+row), uint32(t), r.vocab))
		}
		b.Document(row, ids) // the last is beyond the row, and predicted
	}
}
