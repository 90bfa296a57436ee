package generate

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"dmtrain/internal/rng"
)

// Sampling says how a token is drawn from logits. Filters apply in the order of the fields, each to what the one before
// left.
type Sampling struct {
	Temperature float64 // divides the logits; 0 always takes the most probable token
	TopK        int     // keep the k most probable; 0 = all
	TopP        float64 // keep the fewest most probable whose sum reaches p (Holtzman et al. 2020); 1 = all
	MinP        float64 // drop what is less probable than p times the most probable; 0 = none
	Seed        uint64
}

// Check tells what is impossible about the settings.
func (s Sampling) Check() error {
	switch {
	case !(s.Temperature >= 0) || math.IsInf(s.Temperature, 0):
		return fmt.Errorf("temperature: %v is not 0 or more", s.Temperature)
	case s.TopK < 0:
		return fmt.Errorf("top-k: %d is not 0 (all) or more", s.TopK)
	case !(s.TopP > 0 && s.TopP <= 1):
		return fmt.Errorf("top-p: %v is not above 0 and at most 1", s.TopP)
	case !(s.MinP >= 0 && s.MinP <= 1):
		return fmt.Errorf("min-p: %v is not a probability (0 to 1)", s.MinP)
	}
	return nil
}

// sampler draws tokens; it keeps its scratch.
type sampler struct {
	Sampling
	order []int32
	prob  []float64
}

// draw is the token of a text with so many decoded tokens. Ids in banned are never drawn.
func (s *sampler) draw(logits []float32, p place, decoded int, banned []int32) int32 {
	best := argmax(logits, banned)
	if s.Temperature == 0 || best < 0 {
		return max(best, 0)
	}
	s.rank(logits, banned)
	keep := s.filter(float64(logits[best]), logits)
	u := rng.Uniform(s.Seed, rng.Sample, uint32(p.first+decoded), uint32(p.sequence), 0)
	return s.choose(keep, float64(u))
}

// confidence is the probability that the model, without temperature or filters, gave its first choice.
func confidence(logits []float32, banned []int32) float64 {
	best := argmax(logits, banned)
	if best < 0 {
		return 0
	}
	return 1 / sumExp(logits, logits[best], 1)
}

// rank sorts the ids by falling logit, equal ones by id.
func (s *sampler) rank(logits []float32, banned []int32) {
	s.order = s.order[:0]
	for id, l := range logits {
		if !math.IsNaN(float64(l)) && !slices.Contains(banned, int32(id)) {
			s.order = append(s.order, int32(id))
		}
	}
	slices.SortStableFunc(s.order, func(a, b int32) int {
		switch {
		case logits[a] > logits[b]:
			return -1
		case logits[a] < logits[b]:
			return 1
		}
		return 0
	})
}

// filter returns how many of the ranked ids stay; their unnormalised probabilities are in s.prob.
func (s *sampler) filter(top float64, logits []float32) int {
	if s.TopK > 0 && s.TopK < len(s.order) {
		s.order = s.order[:s.TopK]
	}
	s.prob = s.prob[:0]
	total := 0.0
	for _, id := range s.order {
		p := math.Exp((float64(logits[id]) - top) / s.Temperature)
		s.prob = append(s.prob, p)
		total += p
	}
	keep, sum := len(s.prob), 0.0
	for i, p := range s.prob {
		if sum += p; sum >= s.TopP*total {
			keep = i + 1
			break
		}
	}
	for keep > 1 && s.prob[keep-1] < s.MinP*s.prob[0] {
		keep--
	}
	return keep
}

// choose is one of the first so many ranked ids, by a number within [0, 1).
func (s *sampler) choose(keep int, u float64) int32 {
	total := 0.0
	for _, p := range s.prob[:keep] {
		total += p
	}
	sum := 0.0
	for i, p := range s.prob[:keep] {
		if sum += p; u*total < sum {
			return s.order[i]
		}
	}
	return s.order[keep-1]
}

// argmax is the first id of the largest logit that is not banned; −1 if there is none.
func argmax(logits []float32, banned []int32) int32 {
	best := int32(-1)
	for id, l := range logits {
		if (best < 0 || l > logits[best]) && !math.IsNaN(float64(l)) && !slices.Contains(banned, int32(id)) {
			best = int32(id)
		}
	}
	return best
}

// errNotFinite is the error of a model that has no word to say.
var errNotFinite = errors.New(
	"the model's outputs are not finite numbers, so it can't be decoded: has its training diverged?")

// checkFinite refuses logits among which no token can be chosen.
func checkFinite(logits []float32) error {
	for _, l := range logits {
		if l-l != 0 { // NaN or infinite
			return errNotFinite
		}
	}
	return nil
}

// sumExp is Σ exp((l − top)/temperature).
func sumExp(logits []float32, top float32, temperature float64) float64 {
	sum := 0.0
	for _, l := range logits {
		sum += math.Exp(float64(l-top) / temperature)
	}
	return sum
}
