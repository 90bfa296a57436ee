package metrics

import "math"

// Perplexity is e^loss, the loss being nats per token: +Inf where that is too large for a float64.
func Perplexity(loss float64) float64 { return math.Exp(loss) }

// BitsPerByte is the mean code length of a text whose total loss is nll nats.
// Unlike a loss per token it can be compared between tokenizers. It is NaN for an empty text.
func BitsPerByte(nll float64, bytes int64) float64 {
	if bytes == 0 {
		return math.NaN()
	}
	return nll / (math.Ln2 * float64(bytes))
}

// Accuracy is the share of tokens predicted right; 0 of 0 is 0.
func Accuracy(right, tokens int) float64 {
	if tokens == 0 {
		return 0
	}
	return float64(right) / float64(tokens)
}
