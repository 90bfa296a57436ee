package config

import (
	"fmt"
	"slices"
	"strings"
)

// Problem is one thing a user must change.
type Problem struct {
	Origin string // where the setting was made: "configs/x.yaml:12", "DMTRAIN_TRAIN_LR", "--set"; empty for a default
	Key    string // empty if the problem is with the whole file
	Text   string // what is wrong and what would be right
}

func (p Problem) String() string {
	parts := slices.DeleteFunc([]string{p.Origin, p.Key, p.Text}, func(s string) bool { return s == "" })
	return strings.Join(parts, ": ")
}

// Complaints collects problems.
type Complaints []Problem

// Need adds a problem with a key unless ok.
func (l *Complaints) Need(ok bool, key, format string, args ...any) {
	if !ok {
		*l = append(*l, Problem{Key: key, Text: fmt.Sprintf(format, args...)})
	}
}

// Parse adds problems of the form "key: text", from sections that other packages own.
func (l *Complaints) Parse(problems []string) {
	for _, p := range problems {
		key, text, _ := strings.Cut(p, ": ")
		*l = append(*l, Problem{Key: key, Text: text})
	}
}

// Invalid is the error of an invalid configuration; it holds all problems.
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

// invalid is nil without problems.
func invalid(problems []Problem) error {
	if len(problems) == 0 {
		return nil
	}
	return &Invalid{problems}
}
