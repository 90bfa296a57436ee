package canary

import (
	"fmt"

	"dmtrain/internal/task"
)

// The kinds of predictions.
const (
	kindNext = "next"
	kindSlot = "slot"
)

func (p *prediction) kind() string {
	if p.slot {
		return kindSlot
	}
	return kindNext
}

// Classes that a position may know that it is in.
const (
	classAll         = "all"
	classFirst       = "first"         // of a document
	classNothing     = "nothing ahead" // knows no token after its answer
	classAhead       = "something ahead"
	classAfterHidden = "after hidden" // the token before the answer is hidden
	classStatic      = "static rows"  // anchors
)

// Classes chosen by the answer: they prove nothing, but show where a leak is.
const (
	toldEnds    = "End"
	toldLetters = "letters"
)

// proves says whether the mean loss of a class is held to its bound.
func proves(class string) bool { return class != toldEnds && class != toldLetters }

// classes of a prediction.
func (t *trial) classes(b *task.Batch, p *prediction, static bool) []string {
	all := append(make([]string, 0, 8), classAll)
	if p.answer == none {
		all = append(all, toldEnds)
	} else {
		all = append(all, toldLetters)
	}
	if static {
		all = append(all, classStatic)
	}
	if p.begun > p.start && p.at == p.begun {
		all = append(all, classFirst)
	}
	if p.slot || p.hidden {
		if p.right == none {
			all = append(all, classNothing)
		} else {
			all = append(all, classAhead)
		}
	}
	if before := p.at - 1; before >= p.start && b.Plan.Hidden[p.n/b.Rows.T*b.Rows.T+before] != 0 {
		all = append(all, classAfterHidden)
	}
	if n := t.config.Mask.Buckets; n > 1 {
		all = append(all, fmt.Sprintf("bucket %d", min((p.at-p.start)*n/t.config.Data.SeqLen, n-1)))
	}
	return all
}
