package train

import (
	"dmtrain/internal/batch"
	"dmtrain/internal/config"
	"dmtrain/internal/data"
	"dmtrain/internal/mask"
	"dmtrain/internal/recipe"
)

// MaskRow is one row of a training step and its mask, as a run has them.
type MaskRow struct {
	Rows *batch.Batch // one
	Plan mask.Plan
}

// Height is how many rows a step has.
func (m *Masks) Height(step int) int {
	if m.pairs == nil {
		return m.config.Train.BatchSize
	}
	_, which := m.pairLoader.Batch(step)
	return len(which)
}

// Row lays out and plans a row of a step, at an openness by bucket.
func (m *Masks) Row(step, row int, openness []float64) *MaskRow {
	r := &MaskRow{}
	if m.pairs == nil {
		r.Rows = batch.New(1, m.config.Data.SeqLen)
		r.Rows.First = row
		m.Lay(r.Rows, step)
		m.Plan(&r.Plan, r.Rows, step, openness)
		return r
	}
	bucket, which := m.pairLoader.Batch(step)
	shape := m.pairLoader.Shapes()[bucket]
	shape.T = min(shape.T+m.planner.EndRoom(), m.config.Data.SeqLen)
	r.Rows = shape.Batch(1)
	r.Rows.First = row
	m.pairs.Fill(r.Rows, which[row:row+1])
	m.planner.RepeatEnds(r.Rows, step)
	m.Plan(&r.Plan, r.Rows, step, openness)
	return r
}

// openPairMasks is OpenMasks for task seq2seq.
func openPairMasks(c config.Config) (*Masks, error) {
	yoke, err := recipe.Yoke(c.Mask)
	if err != nil {
		return nil, err
	}
	set, err := data.OpenPairs(c.Data, nil)
	if err != nil {
		return nil, err
	}
	m := &Masks{Tokenizer: set.Tokenizer, Warnings: set.Warnings, config: c, pairs: set.Train,
		pairLoader: data.NewPairLoader(set.Train, c.Run.Seed, c.Data.Pairs.Buckets, c.Data.Pairs.BatchTokens),
		run:        recipe.MaskRun(c, textOf(set.Tokenizer, set.UnigramEntropy), yoke)}
	return m, m.build()
}
