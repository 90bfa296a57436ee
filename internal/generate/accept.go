package generate

import (
	"cmp"
	"fmt"
	"slices"
)

// Acceptance says which of a round's predictions are kept. At least one is, and in the last allowed round all are.
type Acceptance struct {
	Threshold float64 // accept every prediction of at least this confidence
	Budget    float64 // instead, if above 0: accept the surest ones while their (1 − confidence) sum to at most this
	MaxRounds int     // rounds a block may take; 0 = as many as it has tokens
}

// Check tells what is impossible about the settings.
func (a Acceptance) Check() error {
	switch {
	case !(a.Threshold >= 0 && a.Threshold <= 1):
		return fmt.Errorf("threshold: %v is not a probability (0 to 1)", a.Threshold)
	case !(a.Budget >= 0):
		return fmt.Errorf("budget: %v is not 0 or more", a.Budget)
	case a.MaxRounds < 0:
		return fmt.Errorf("max-rounds: %d is not 0 (no limit) or more", a.MaxRounds)
	}
	return nil
}

// last says whether a round is the last that a block may take.
func (a Acceptance) last(round int) bool { return a.MaxRounds > 0 && round >= a.MaxRounds }

// guess is one slot's prediction.
type guess struct {
	at   int // which slot
	id   int32
	conf float64
}

// accept puts the guesses to keep first, the surest first (of equal ones the first in place), and returns how many they
// are. Where text ends with the token end, it keeps to the order of the text in two cases. An End waits for all open
// slots before it, or is accepted together with them: that the text is over somewhere within the block is soon likelier
// than any one token of it. And if no guess is sure enough the first slot's is taken, not the surest: a token further
// on also says that the text does not end before it, and of many unsure ones the surest is one whose sureness is
// overrated. Either would distort how long texts are.
func (a Acceptance) accept(guesses []guess, end int32, last bool) int {
	slices.SortFunc(guesses, func(x, y guess) int { return cmp.Or(cmp.Compare(y.conf, x.conf), byPlace(x, y)) })
	switch {
	case last:
		return len(guesses)
	case end < 0:
		return max(1, a.sure(guesses))
	}
	first := slices.MinFunc(guesses, byPlace)
	waits := func(g guess) bool { return g.id == end && g.at != first.at }
	slices.SortStableFunc(guesses, func(x, y guess) int { return number(waits(x)) - number(waits(y)) })
	free := len(guesses)
	if n := slices.IndexFunc(guesses, waits); n >= 0 {
		free = n
	}
	keep := a.sure(guesses[:free])
	if keep == 0 {
		toFront(guesses, slices.Index(guesses, first))
		keep = 1
	}
	if free == len(guesses) {
		return keep
	}
	over := slices.MinFunc(guesses[free:], byPlace)
	if slices.ContainsFunc(guesses[keep:free], func(g guess) bool { return g.at < over.at }) {
		return keep
	}
	toFront(guesses[keep:], slices.Index(guesses[keep:], over))
	if a.sure(guesses[:keep+1]) == keep+1 {
		keep++
	}
	return keep
}

func byPlace(x, y guess) int { return cmp.Compare(x.at, y.at) }

func number(b bool) int {
	if b {
		return 1
	}
	return 0
}

// toFront moves the guess at i before all others, which keep their order.
func toFront(guesses []guess, i int) {
	g := guesses[i]
	copy(guesses[1:i+1], guesses[:i])
	guesses[0] = g
}

// sure is how many of the first guesses are reliable enough to be accepted.
func (a Acceptance) sure(guesses []guess) int {
	spent := 0.0
	for i, g := range guesses {
		spent += 1 - g.conf
		if a.Budget > 0 && spent > a.Budget || a.Budget == 0 && g.conf < a.Threshold {
			return i
		}
	}
	return len(guesses)
}

// settle takes the first keep of the open guesses into a block, which ends after an End, and returns it and those that
// stay open.
func settle(block []int32, open []guess, keep int, end int32) ([]int32, []guess) {
	for _, g := range open[:keep] {
		block[g.at] = g.id
	}
	over := len(block)
	for _, g := range open[:keep] {
		if g.id == end {
			over = min(over, g.at+1)
		}
	}
	return block[:over], slices.DeleteFunc(open[keep:], func(g guess) bool { return g.at >= over })
}
