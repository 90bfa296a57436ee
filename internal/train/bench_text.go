package train

import (
	"fmt"

	"dmtrain/internal/batch"
	"dmtrain/internal/config"
	"dmtrain/internal/data"
	"dmtrain/internal/kernels"
	"dmtrain/internal/model"
	"dmtrain/internal/recipe"
	"dmtrain/internal/rng"
	"dmtrain/internal/tokenizer"
)

// benchStepper builds a configuration's step over random tokens. Pairs of task seq2seq are as long as they may be, so that every step
// is as large as the next.
func benchStepper(be kernels.Backend, c config.Config) (*stepper, error) {
	vocab, err := benchVocab(c)
	if err != nil {
		return nil, err
	}
	run := recipe.MaskRun(c, recipe.Text{Vocab: vocab, End: -1, Entropy: 1}, nil)
	if c.Task != config.TaskPairs {
		return newStepper(be, c, run, randomRows(c.Run.Seed, vocab))
	}
	pairs := max(1, c.Data.Pairs.BatchTokens/(2*c.Data.SeqLen))
	c.Data.Pairs.Buckets = 1
	return newPairStepper(be, c, run, data.RandomPairs(c.Run.Seed, pairs, c.Data.SeqLen, vocab))
}

// work is how much a step does.
type work struct {
	tokens int     // read: of source and target
	flops  float64 // of the model's own
	bytes  int     // that its passes hold
}

// work is that of the step last taken.
func (s *stepper) work(c config.Config) work {
	switch t := s.text.(type) {
	case *rowText:
		tokens := c.Train.BatchSize * c.Data.SeqLen
		return work{tokens, float64(c.Train.BatchSize) * t.model.Flops(0, c.Data.SeqLen), t.pass.Bytes()}
	case *pairText:
		w := work{bytes: s.micro[0].lane.pass.(*model.Pass).Bytes()}
		for _, m := range s.micro {
			b, s := m.rows.B, m.rows.Sources[0].T
			w.tokens += b * (s + m.rows.T)
			w.flops += float64(b) * t.model.Flops(s, m.rows.T)
		}
		return w
	}
	panic("train: a text of another task")
}

// benchVocab is how many token values the random text has.
func benchVocab(c config.Config) (int, error) {
	if c.Bench.Vocab > 0 {
		return c.Bench.Vocab, nil
	}
	if c.Data.Tokenizer.Kind != tokenizer.DefaultConfig().Kind {
		return 0, fmt.Errorf("bench.vocab: tokenizer %q gets its vocabulary from a text, which bench doesn't read: say how many tokens it has", c.Data.Tokenizer.Kind)
	}
	t, err := tokenizer.New(c.Data.Tokenizer, tokenizer.NewSurvey(c.Data.Tokenizer))
	if err != nil {
		return 0, err
	}
	return t.Vocab(), nil
}

// randomRows lays out uniformly random tokens, one document a row.
func randomRows(seed uint64, vocab int) func(*batch.Batch, int) {
	return func(rows *batch.Batch, step int) {
		for r := range rows.B {
			line := uint32(rows.First + r)
			for t := range rows.T + 1 {
				id := int32(rng.Below(seed, rng.Probe, uint32(step), line, uint32(t), vocab))
				n := r*rows.T + t
				if t > 0 {
					rows.Next[n-1] = id
				}
				if t < rows.T {
					rows.IDs[n], rows.Start[n], rows.End[n] = id, 0, int32(rows.T)
				}
			}
		}
	}
}
