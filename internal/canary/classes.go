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

// Classes chosen by what the position may know.
const (
	classAll         = "all"
	classFirst       = "first"         // of a document
	classNothing     = "nothing ahead" // no known token after the answer
	classAhead       = "something ahead"
	classAfterHidden = "after hidden" // the token before the answer is hidden
	classStatic      = "static rows"  // anchors
)

// Classes chosen by the answer: they prove nothing, but show where a leak is.
const (
	answerEnds    = "End"
	answerLetters = "letters"
)

// proves says whether a mean loss below the bound proves a leak.
func proves(class string) bool { return class != answerEnds && class != answerLetters }

// classes are those of a prediction; static says that its row is under the static mask.
func (r *run) classes(b *task.Batch, p *prediction, static bool) []string {
	all := append(make([]string, 0, 8), classAll)
	if p.answer == none {
		all = append(all, answerEnds)
	} else {
		all = append(all, answerLetters)
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
	if n := r.config.Mask.Buckets; n > 1 {
		all = append(all, fmt.Sprintf("bucket %d", min((p.at-p.start)*n/r.config.Data.SeqLen, n-1)))
	}
	return all
}
