package task

import (
	"slices"
	"strings"

	"dmtrain/internal/config"
)

// Table is the tasks there are.
type Table []Task

// Of is the task of a name.
func (t Table) Of(name string) (Task, bool) {
	i := slices.IndexFunc(t, func(k Task) bool { return k.Name() == name })
	if i < 0 {
		return nil, false
	}
	return t[i], true
}

// Names are those of all tasks.
func (t Table) Names() []string {
	names := make([]string, len(t))
	for i, k := range t {
		names[i] = k.Name()
	}
	return names
}

// Problems are what a configuration's task complains about.
func (t Table) Problems(c config.Config) []config.Problem {
	k, ok := t.Of(c.Task)
	if !ok {
		return []config.Problem{{Key: "task", Text: "\"" + c.Task + "\" is none of " + strings.Join(t.Names(), ", ")}}
	}
	return k.Problems(c)
}

// Must is the task of a configuration that has no Problems.
func (t Table) Must(c config.Config) Task {
	k, ok := t.Of(c.Task)
	if !ok {
		panic("task: a configuration that was not checked")
	}
	return k
}
