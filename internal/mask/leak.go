package mask

import (
	"fmt"
	"strings"
)

// The ways a leak is found.
const (
	ByCertificate = "certificate"
	ByClosure     = "closure"
	ByProbe       = "probe"
	ByCross       = "cross"   // the certificate of what is read of a source
	ByEncoder     = "encoder" // the same, of what a source's tokens have read of each other
	BySource      = "source"  // a probe of source tokens
)

// Leak is a position that can be shown its own answer.
type Leak struct {
	By       string `json:"by"`
	Step     int    `json:"step"`
	Row      int    `json:"row"` // of the step, whatever the micro-batch
	Position int    `json:"position"`
	// where the token stands that Position is to predict; by cross and source, a source token it has not waited for
	Answer int `json:"answer"`
	// the shortest from Position to Answer, each seeing the next; empty if there is none
	Path []int `json:"path"`
}

// AnswerInRow says whether the answer stands in the predicted stream, not in a source.
func (l *Leak) AnswerInRow() bool { return l.By != ByCross && l.By != ByEncoder && l.By != BySource }

// Error spells the path out.
func (l *Leak) Error() string {
	switch l.By {
	case ByCross:
		return fmt.Sprintf("mask leaks at step %d, row %d: position %d sees position %d, which has read source "+
			"token %d, for which position %d has not waited", l.Step, l.Row, l.Position, l.Path[1], l.Answer,
			l.Position)
	case ByEncoder:
		return fmt.Sprintf("mask leaks at step %d, row %d: position %d has not waited for source token %d, but "+
			"source token %d has read it",
			l.Step, l.Row, l.Position, l.Answer, l.Path[0])
	case BySource:
		return fmt.Sprintf("mask leaks at step %d, row %d: the logits at position %d change with source token %d, "+
			"for which it has not waited", l.Step, l.Row, l.Position, l.Answer)
	}
	return fmt.Sprintf("mask leaks at step %d, row %d: position %d must predict the token at %d, ", l.Step, l.Row,
		l.Position, l.Answer) + l.how()
}

func (l *Leak) how() string {
	switch {
	case len(l.Path) == 1:
		return "which is its own input"
	case len(l.Path) == 2:
		return "and attends to it directly"
	case len(l.Path) > 2:
		return "and reads it through " + through(l.Path)
	case l.By == ByProbe:
		return "and its logits change with it, though the mask has no path between them: attention does not keep " +
			"to the mask"
	}
	return "and the certificate cannot prove that it never sees it, though there is no path: the mask may be " +
		"sound, but not by its levels"
}

// through tells a path of two hops or more: the last hop happens in the lowest layer.
func through(path []int) string {
	var b strings.Builder
	hops := len(path) - 1
	fmt.Fprintf(&b, "%d layers: ", hops)
	for h := hops; h >= 1; h-- {
		if h < hops {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "in layer %d position %d attends to %d", hops-h+1, path[h-1], path[h])
	}
	return b.String()
}

// leak finds the shortest way by which position i of row b learns its answer.
func (p *Plan) leak(by string, b, i int) *Leak {
	t := int(p.Answer[b*p.T+i])
	return &Leak{
		By:       by,
		Step:     p.Step,
		Row:      p.First + b,
		Position: i,
		Answer:   t,
		Path:     p.Mask.path(b, i, t),
	}
}

// path is the shortest chain of positions from i to t, each seeing the next; nil if there is none.
func (m *Mask) path(row, i, t int) []int {
	from := make([]int, m.T) // who first led here, plus 1
	from[i] = i + 1
	for queue := []int{i}; len(queue) > 0; queue = queue[1:] {
		q := queue[0]
		if q == t {
			return trace(from, i, t)
		}
		for j := range m.T {
			if from[j] == 0 && m.Visible(row, q, j) {
				from[j] = q + 1
				queue = append(queue, j)
			}
		}
	}
	return nil
}

func trace(from []int, i, t int) []int {
	path := []int{t}
	for t != i {
		t = from[t] - 1
		path = append(path, t)
	}
	for a, b := 0, len(path)-1; a < b; a, b = a+1, b-1 {
		path[a], path[b] = path[b], path[a]
	}
	return path
}
