package pairs

import (
	"dmtrain/internal/batch"
	"dmtrain/internal/config"
	"dmtrain/internal/data"
	"dmtrain/internal/metrics"
	"dmtrain/internal/task"
	"dmtrain/internal/tokenizer"
)

// Open reads the pairs.
func (Task) Open(c config.Config, o task.Options) (*task.Text, error) {
	set, err := data.OpenPairs(c.Data, data.Options{Tokenizer: o.Tokenizer, Evaluating: o.Evaluating})
	if err != nil {
		return nil, err
	}
	t := &task.Text{
		Tokenizer: set.Tokenizer,
		Entropy:   set.UnigramEntropy,
		Train:     newRows(set.Train, c),
		Valid:     newHeld(set.Valid, set.Tokenizer, &set.Overlaps[0]),
		Identity:  task.Identity{Train: set.Train.Checksum(), Valid: set.Valid.Checksum()},
		Warnings:  set.Warnings,
		Overlaps:  metrics.Data{PairOverlaps: set.Overlaps},
		Close:     func() error { return nil },
	}
	if set.Test != nil {
		t.Test = newHeld(set.Test, set.Tokenizer, &set.Overlaps[1])
		t.Identity.Test = set.Test.Checksum()
	}
	return t, nil
}

// OpenData is for texts.
func (Task) OpenData(config.Config, []string, tokenizer.Tokenizer) (*task.Text, error) {
	return nil, &task.OptionError{
		Option:  "data",
		Problem: `is for language models; translate other sources by "dmtrain translate" and compare by "dmtrain score"`,
	}
}

// rows are targets in the order of a loader.
type rows struct {
	pairs  *data.Pairs
	loader *data.PairLoader
	shapes []task.Shape
}

func newRows(p *data.Pairs, c config.Config) rows {
	r := rows{pairs: p, loader: data.NewPairLoader(p, c.Run.Seed, c.Data.Pairs.Buckets, c.Data.Pairs.BatchTokens)}
	for _, s := range r.loader.Shapes() {
		r.shapes = append(r.shapes, task.Shape(s))
	}
	return r
}

func (r rows) Shapes() []task.Shape { return r.shapes }
func (r rows) Tokens() int          { return r.loader.Targets() }

func (r rows) StepTokens() float64 { return r.loader.StepTargets() }

func (r rows) Layout(step int) (shape, n int, weight float64) {
	bucket, which := r.loader.Batch(step)
	return bucket, len(which), r.loader.Weight(which)
}

func (r rows) Fill(b *batch.Batch, step int) {
	_, which := r.loader.Batch(step)
	r.pairs.Fill(b, which[min(b.First, len(which)):])
}

// Random are pairs of uniformly random tokens, as many as a step has room for.
func (Task) Random(c config.Config, vocab int) task.Rows {
	n := max(1, c.Data.Pairs.BatchTokens/(2*c.Data.SeqLen))
	c.Data.Pairs.Buckets = 1
	return newRows(data.RandomPairs(c.Run.Seed, n, c.Data.SeqLen, vocab), c)
}
