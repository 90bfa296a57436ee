package mask

import "math"

// State is all that a controller remembers: it goes into the checkpoint, and JSON carries it exactly.
type State struct {
	Next    int      `json:"next"`    // the first step not yet observed: plans are made for it and later ones
	Buckets []Bucket `json:"buckets"` // by position within the document
	Entropy float64  `json:"entropy"` // H: unigram entropy of the training tokens, nats
	Skipped int      `json:"skipped"` // bucket updates skipped for want of tokens or of a finite loss
}

// Bucket is the controller's state for one range of positions.
type Bucket struct {
	Openness float64 `json:"u"` // 0: the static mask, 1: fully open
	Mean     float64 `json:"m"` // exponential moving average of reliability, not yet bias-corrected
	Count    int     `json:"k"` // updates of Mean
}

// Reliability is R, the bias-corrected moving average with decay beta; 0 before the first update.
func (b *Bucket) Reliability(beta float64) float64 {
	if b.Count == 0 {
		return 0
	}
	return b.Mean / (1 - math.Pow(beta, float64(b.Count)))
}
