package config

import (
	"fmt"
	"slices"
	"strings"
)

// Problem is one thing a user must change.
type Problem struct {
	Origin string // where the setting was made: "configs/x.yaml:12", "DMTRAIN_TRAIN_LR", "--set"; empty for a default
	Key    string // empty when the trouble is with the whole file
	Text   string // what is wrong and what would be right
}

func (p Problem) String() string {
	parts := slices.DeleteFunc([]string{p.Origin, p.Key, p.Text}, func(s string) bool { return s == "" })
	return strings.Join(parts, ": ")
}

// Complaints gathers problems.
type Complaints []Problem

// Need complains of a key unless all is well.
func (l *Complaints) Need(ok bool, key, format string, args ...any) {
	if !ok {
		*l = append(*l, Problem{Key: key, Text: fmt.Sprintf(format, args...)})
	}
}

// Parse takes the problems of sections that other packages own: "key: text".
func (l *Complaints) Parse(problems []string) {
	for _, p := range problems {
		key, text, _ := strings.Cut(p, ": ")
		*l = append(*l, Problem{Key: key, Text: text})
	}
}

// Invalid is the error of a configuration that can't be used; it holds every problem found.
type Invalid struct{ Problems []Problem }

func (e *Invalid) Error() string {
	if len(e.Problems) == 1 {
		return e.Problems[0].String()
	}
	var b strings.Builder
	fmt.Fprintf(&b, "the configuration has %d problems:", len(e.Problems))
	for _, p := range e.Problems {
		b.WriteString("\n  " + p.String())
	}
	return b.String()
}

// invalid is nil when there is no problem.
func invalid(problems []Problem) error {
	if len(problems) == 0 {
		return nil
	}
	return &Invalid{problems}
}
