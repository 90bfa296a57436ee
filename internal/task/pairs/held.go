package pairs

import (
	"context"

	"dmtrain/internal/batch"
	"dmtrain/internal/config"
	"dmtrain/internal/data"
	"dmtrain/internal/generate"
	"dmtrain/internal/metrics"
	"dmtrain/internal/model"
	"dmtrain/internal/task"
	"dmtrain/internal/tokenizer"
)

// evalPairs are read and decoded at once.
const evalPairs = 32

// held are pairs in their order.
type held struct {
	*data.Pairs
	shape   task.Shape
	tok     tokenizer.Tokenizer
	overlap *data.PairOverlap
	bytes   int // of the targets
}

func newHeld(p *data.Pairs, tok tokenizer.Tokenizer, overlap *data.PairOverlap) held {
	s := task.Shape(data.NewPairLoader(p, 0, 1, 1).Shapes()[0])
	s.Rows = evalPairs
	h := held{p, s, tok, overlap, 0}
	for i := range p.Len() {
		h.bytes += len(tok.Decode(nil, p.Target(i)))
	}
	return h
}

func (h held) Shape() task.Shape                { return h.shape }
func (h held) Bytes() int                       { return h.bytes }
func (h held) Unknown() int                     { return 0 }
func (h held) Locate(row, t int) (pair, at int) { return row, t + 1 }
func (h held) Overlap() any                     { return h.overlap }

func (h held) Fill(b *batch.Batch) {
	which := make([]int, max(0, min(b.B, h.Len()-b.First)))
	for i := range which {
		which[i] = b.First + i
	}
	h.Pairs.Fill(b, which)
}

// Quality decodes the first sources greedily and compares with their targets.
func (h held) Quality(ctx context.Context, m *model.Model, c config.Config, rows int) (*metrics.Pairs, error) {
	sources := make([][]int32, rows)
	for i := range sources {
		sources[i] = h.Source(i)
	}
	special := h.tok.Specials()
	found, _, err := generate.Translate(ctx, m, c.Mask, sources, generate.Translation{
		Options: generate.Options{
			MaxTokens: h.shape.T + h.shape.T/4,
			Sampling:  generate.Sampling{TopP: 1},
			End:       special.End,
		},
		Beams: 1,
		Batch: evalPairs,
		Begin: special.Begin,
	})
	if err != nil {
		return nil, err
	}
	var exact metrics.ExactMatch
	var bleu metrics.BLEU
	var chrf metrics.ChrF
	var rouge metrics.ROUGE
	for i, f := range found {
		hyp, ref := string(h.tok.Decode(nil, f[0].IDs)), h.Texts[i].Target
		exact.Add(hyp, ref)
		bleu.Add(hyp, ref)
		chrf.Add(hyp, ref)
		rouge.Add(hyp, ref)
	}
	return &metrics.Pairs{
		Exact:  exact.Score(),
		BLEU:   bleu.Score(),
		ChrF:   chrf.Score(),
		ROUGE1: rouge.One().F1,
		ROUGE2: rouge.Two().F1,
		ROUGEL: rouge.Longest().F1,
		Pairs:  len(found),
	}, nil
}
