package task

import (
	"math"

	"dmtrain/internal/metrics"
)

// Score is what an evaluation says of the tokens it read.
type Score struct {
	Loss     float64 // nats per token; NaN without tokens: structure full shows every one of them
	Accuracy float64 // share of tokens whose most probable prediction was right
	Tokens   int
	ECE      float64 // expected calibration error of confidence, 15 bins (Guo et al. 2017)

	BitsPerByte float64 // 0 where only a part of the text was read
}

// Record is the score as metrics.jsonl has it.
func (s Score) Record(step int) metrics.Eval {
	return metrics.Eval{
		Step:        step,
		ValidLoss:   metrics.Number(s.Loss),
		Perplexity:  metrics.Number(metrics.Perplexity(s.Loss)),
		BitsPerByte: metrics.Number(s.BitsPerByte),
		Accuracy:    s.Accuracy,
		ECE:         s.ECE,
		Tokens:      s.Tokens,
	}
}

// Infill is the score of hidden tokens.
func (s Score) Infill() *metrics.Infill {
	return &metrics.Infill{Loss: metrics.Number(s.Loss), Accuracy: s.Accuracy, Tokens: s.Tokens}
}

// calibrationBins is how finely confidence is compared with accuracy.
const calibrationBins = 15

// tally sums what was said of tokens.
type tally struct {
	tokens, right int
	nll           float64
	undefined     int // tokens with a confidence that is not a number
	bins          [calibrationBins]struct {
		conf  float64
		right int
	}
}

func (t *tally) add(nll, conf float32, right bool) {
	t.tokens++
	t.nll += float64(nll)
	if right {
		t.right++
	}
	bin := int(conf * calibrationBins)
	if !(conf >= 0) || bin < 0 { // a model that has diverged is confident of NaN: wrong by as much as one can be
		t.undefined++
		return
	}
	b := &t.bins[min(bin, calibrationBins-1)]
	b.conf += float64(conf)
	if right {
		b.right++
	}
}

func (t *tally) score() Score {
	if t.tokens == 0 {
		return Score{Loss: math.NaN()}
	}
	n := float64(t.tokens)
	s := Score{
		Loss:     t.nll / n,
		Accuracy: float64(t.right) / n,
		Tokens:   t.tokens,
		ECE:      float64(t.undefined) / n,
	}
	for _, b := range t.bins {
		s.ECE += math.Abs(float64(b.right)-b.conf) / n
	}
	return s
}
