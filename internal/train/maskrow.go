package train

import (
	"dmtrain/internal/config"
	"dmtrain/internal/data"
	"dmtrain/internal/mask"
)

// MaskRow is one row of a training step and its mask, as a run has them.
type MaskRow struct {
	*mask.Rows // one; of task seq2seq, a target
	Plan       mask.Plan
	Source     []int32 // of task seq2seq: the target's source, its end included
	Sees       []int32 // of task seq2seq: the last position of the source that each position of the target sees
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
		r.Rows = mask.NewRows(1, m.config.Data.SeqLen)
		r.First = row
		m.Lay(r.Rows, step)
		m.Plan(&r.Plan, r.Rows, step, openness)
		return r
	}
	bucket, which := m.pairLoader.Batch(step)
	shape := m.pairLoader.Shapes()[bucket]
	pair := data.NewPairRows(1, shape.S, min(shape.T+m.planner.EndRoom(), m.config.Data.SeqLen))
	pair.Target.First = row
	m.pairs.Fill(pair, which[row:row+1])
	m.planner.RepeatEnds(pair.Target, step)
	r.Rows, r.Source, r.Sees = pair.Target, pair.Sources[:pair.Len[0]], make([]int32, pair.Target.T)
	m.Plan(&r.Plan, r.Rows, step, openness)
	m.planner.Sees(r.Sees, &r.Plan, pair.Len, m.state(openness))
	return r
}

// openPairMasks is OpenMasks for task seq2seq.
func openPairMasks(c config.Config) (*Masks, error) {
	yoke, err := yokeOf(c.Mask)
	if err != nil {
		return nil, err
	}
	set, err := data.OpenPairs(c.Data, nil)
	if err != nil {
		return nil, err
	}
	m := &Masks{Tokenizer: set.Tokenizer, Warnings: set.Warnings, config: c, pairs: set.Train,
		pairLoader: data.NewPairLoader(set.Train, c.Run.Seed, c.Data.Pairs.Buckets, c.Data.Pairs.BatchTokens),
		run:        maskRun(c, set.Tokenizer.Vocab(), set.Tokenizer.Specials().End, set.UnigramEntropy, yoke)}
	return m, m.build()
}
