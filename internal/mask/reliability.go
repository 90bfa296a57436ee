package mask

import "math"

// The measures of reliability, all in [0, 1]. The first three know the target; the others do not.
const (
	ReliabilitySkill      = "skill"       // 1 − CE/H: the part of the unigram entropy H that the model explains
	ReliabilityTargetProb = "target_prob" // exp(−CE): the geometric mean probability of the targets
	ReliabilityAccuracy   = "accuracy"    // how often the most probable class is the target
	ReliabilityConfidence = "confidence"  // mean of (max p − 1/V)/(1 − 1/V)
	ReliabilityEntropy    = "entropy"     // 1 − mean entropy/ln V
	ReliabilityMargin     = "margin"      // mean difference of the two largest probabilities
)

// tally sums what a forward pass says of some tokens, always in the order of rows and positions.
type tally struct {
	tokens                             int
	nll, conf, entropy, margin, argmax float64
}

// mean is a total over the tally's tokens; NaN without any.
func (t *tally) mean(total float64) float64 { return total / float64(t.tokens) }

// gauge turns a tally into reliability.
type gauge struct {
	measure string
	entropy float64 // H, nats
	vocab   int
}

func (g gauge) reliability(t *tally) float64 {
	switch g.measure {
	case ReliabilitySkill:
		return clip(1-t.mean(t.nll)/g.entropy, 0, 1)
	case ReliabilityTargetProb:
		return clip(math.Exp(-t.mean(t.nll)), 0, 1)
	case ReliabilityAccuracy:
		return t.mean(t.argmax)
	}
	return g.blind(t.mean(t.conf), t.mean(t.entropy), t.mean(t.margin))
}

// blind is the reliability that needs no target.
func (g gauge) blind(conf, entropy, margin float64) float64 {
	switch g.measure {
	case ReliabilityConfidence:
		chance := 1 / float64(g.vocab)
		return clip((conf-chance)/(1-chance), 0, 1)
	case ReliabilityEntropy:
		return clip(1-entropy/math.Log(float64(g.vocab)), 0, 1)
	case ReliabilityMargin:
		return clip(margin, 0, 1)
	}
	panic("mask: this reliability needs targets")
}

// clip keeps v within [low, high]; NaN stays NaN.
func clip(v, low, high float64) float64 { return max(low, min(high, v)) }
